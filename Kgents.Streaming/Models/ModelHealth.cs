using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.Streaming.Models;

/// <summary>
/// Degraded while the latest call of a model failed. It makes no call of its own, which would cost money: what it says is as old as the latest turn. The worker stays
/// ready: it answers with an error that says what it is, and another worker would have the same model.
/// </summary>
internal sealed class ModelHealth(TimeProvider time) : IHealthCheck
{
    private readonly ConcurrentDictionary<string, (string Fault, DateTimeOffset Since)> failing = new(StringComparer.Ordinal);

    /// <param name="fault">Null when the call came to its end.</param>
    public void Report(string model, string? fault)
    {
        if (fault is null)
        {
            failing.TryRemove(model, out _);
        }
        else
        {
            failing.AddOrUpdate(model, (fault, time.GetUtcNow()), (_, known) => (fault, known.Since));
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var found = failing.OrderBy(each => each.Key, StringComparer.Ordinal).Select(each => $"{each.Key} fails since {each.Value.Since:u}: {each.Value.Fault}. Look at ConnectionStrings:llm").ToList();
        return Task.FromResult(found.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join("; ", found)));
    }
}
