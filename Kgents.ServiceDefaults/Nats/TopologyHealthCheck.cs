using Microsoft.Extensions.Diagnostics.HealthChecks;
using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Ready while the connection is open, nothing is refused, there is room, and the last look found every stream as defined.</summary>
internal sealed class TopologyHealthCheck(NatsTopology topology, NatsRefusals refusals, NatsRoom room, INatsConnection connection) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var problem = NatsAddress.Problem(connection.Opts.Url) ?? refusals.Problem ?? (connection.ConnectionState == NatsConnectionState.Open ? topology.Problem ?? room.Problem : "not connected to NATS (ConnectionStrings:nats)");
        return Task.FromResult(problem is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(problem));
    }
}
