using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>What the health checks found, as metrics, so that an alert needs nobody to ask.</summary>
internal sealed class HealthMetrics
{
    public const string MeterName = "Kgents.Health";

    private volatile HealthReport? latest;

    public HealthMetrics(IMeterFactory meters) => meters.Create(MeterName).CreateObservableGauge(
        "kgents.health.status",
        () => latest?.Entries.Select(entry => new Measurement<int>((int)entry.Value.Status, new KeyValuePair<string, object?>("check", entry.Key))) ?? [],
        "{status}",
        "What each health check found: 2 healthy, 1 degraded, 0 unhealthy");

    public void Found(HealthReport report) => latest = report;
}
