using System.Collections.Concurrent;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Kgents.ServiceDefaults.Health;

/// <summary>Tells metrics what the checks find, and the log when that changes. Who keeps a service from being ready says so himself.</summary>
internal sealed partial class HealthReporter(HealthMetrics metrics, ILogger<HealthReporter> logger) : IHealthCheckPublisher
{
    private readonly ConcurrentDictionary<string, HealthStatus> known = new(StringComparer.Ordinal);

    public Task PublishAsync(HealthReport report, CancellationToken cancellationToken)
    {
        metrics.Found(report);
        foreach (var (name, entry) in report.Entries.Where(entry => !entry.Value.Tags.Contains(HealthEndpoints.Ready)))
        {
            var before = known.GetValueOrDefault(name, HealthStatus.Healthy);
            known[name] = entry.Status;
            if (entry.Status != before)
            {
                Tell(name, entry);
            }
        }

        return Task.CompletedTask;
    }

    private void Tell(string name, HealthReportEntry entry)
    {
        if (entry.Status == HealthStatus.Healthy)
        {
            LogWell(name);
        }
        else
        {
            LogNotWell(name, entry.Status, entry.Description);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Health: {Check} is {Status}: {Description}.")]
    private partial void LogNotWell(string check, HealthStatus status, string? description);

    [LoggerMessage(LogLevel.Information, "Health: {Check} is well again.")]
    private partial void LogWell(string check);
}
