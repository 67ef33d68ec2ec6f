using System.Collections.Concurrent;
using Kgents.Metering.Telemetry;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.Metering;

/// <summary>Degraded while something about usage needs an operator, or OpenMeter does not take it. The service stays ready: it can do its work, which is to keep trying.</summary>
internal sealed class MeteringHealth : IHealthCheck
{
    private readonly ConcurrentDictionary<(string Kind, int Partition), string> problems = new();
    private readonly ConcurrentDictionary<int, LedgerObservation> observed = new();

    /// <summary>How far the ledger and OpenMeter are behind the usage; null when another replica may have the partition now, and tells of it.</summary>
    public void Observe(int partition, LedgerObservation? observation)
    {
        if (observation is { } seen)
        {
            observed[partition] = seen;
        }
        else
        {
            observed.TryRemove(partition, out _);
        }
    }

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
        var data = observed.OrderBy(each => each.Key).ToDictionary(each => $"partition {each.Key}", each => (object)Describe(each.Value));
        return Task.FromResult(found.Count == 0 ? HealthCheckResult.Healthy(data: data) : HealthCheckResult.Degraded(string.Join("; ", found), data: data));
    }

    private static Dictionary<string, object> Describe(LedgerObservation seen) => new()
    {
        ["not_entered"] = seen.NotEntered,
        ["not_sent"] = seen.Lag,
        ["not_confirmed"] = seen.Unsettled,
        ["oldest_seconds"] = (long)seen.OldestAge.TotalSeconds,
    };
}
