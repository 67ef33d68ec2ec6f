using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.Metering;

/// <summary>Degraded while something about usage needs an operator, or OpenMeter does not take it. The service stays ready: it can do its work, which is to keep trying.</summary>
internal sealed class MeteringHealth : IHealthCheck
{
    private readonly ConcurrentDictionary<(string Kind, int Partition), string> problems = new();

    /// <summary>Null when there is no problem of this kind any more.</summary>
    public void Report(string kind, int partition, string? problem)
    {
        if (problem is null)
        {
            problems.TryRemove((kind, partition), out _);
        }
        else
        {
            problems[(kind, partition)] = problem;
        }
    }

    public void Forget(int partition)
    {
        foreach (var problem in problems.Keys.Where(key => key.Partition == partition))
        {
            problems.TryRemove(problem, out _);
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var found = problems.OrderBy(problem => problem.Key.Kind, StringComparer.Ordinal).ThenBy(problem => problem.Key.Partition).Select(problem => problem.Value).Distinct().ToList();
        return Task.FromResult(found.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join("; ", found)));
    }
}
