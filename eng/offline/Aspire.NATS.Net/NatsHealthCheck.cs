using Microsoft.Extensions.Diagnostics.HealthChecks;
using NATS.Client.Core;

namespace Aspire.NATS.Net;

internal sealed class NatsHealthCheck(INatsConnection connection) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        switch (connection.ConnectionState)
        {
            case NatsConnectionState.Open:
                return HealthCheckResult.Healthy();
            case NatsConnectionState.Connecting or NatsConnectionState.Reconnecting:
                return HealthCheckResult.Degraded("The connection to nats-server is being made.");
            default:
                return await ConnectAsync();
        }
    }

    private async Task<HealthCheckResult> ConnectAsync()
    {
        try
        {
            await connection.ConnectAsync();
            return HealthCheckResult.Healthy();
        }
        catch (Exception exception)
        {
            // Whatever the reason is, the answer is the same: not connected.
            return HealthCheckResult.Unhealthy("nats-server cannot be reached.", exception);
        }
    }
}
