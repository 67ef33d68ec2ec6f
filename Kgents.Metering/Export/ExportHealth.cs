using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.Metering.Export;

/// <summary>Degraded while OpenMeter does not take usage. The service stays ready: it can do its work, which is to keep trying.</summary>
internal sealed class ExportHealth : IHealthCheck
{
    private volatile string? refusal;

    public void Report(string? latest) => refusal = latest;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(refusal is { } reason ? HealthCheckResult.Degraded($"OpenMeter does not take usage: {reason}") : HealthCheckResult.Healthy());
}
