using Kgents.Contracts;
using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Telemetry;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Turns;

/// <summary>How many messages wait for a worker, anybody's. Looked at now and then, and degraded while there are more than the workers should let wait.</summary>
internal sealed class TurnBacklog(
    INatsJSContext jetStream, NatsTopology topology, TurnMetrics metrics, IOptions<HealthOptions> options, TimeProvider time, ILogger<TurnBacklog> logger)
    : SweepingService("turns that wait", topology, time, logger), IHealthCheck
{
    private long waiting;
    private long underWay;

    protected override TimeSpan Interval { get; } = TimeSpan.FromSeconds(5);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var queued = Volatile.Read(ref waiting);
        var data = new Dictionary<string, object> { ["waiting"] = queued, ["under_way"] = Volatile.Read(ref underWay) };
        return Task.FromResult(queued < options.Value.QueuedAt
            ? HealthCheckResult.Healthy(data: data)
            : HealthCheckResult.Degraded($"{queued} messages wait for a worker: start more workers, or raise Turns:Slots", data: data));
    }

    protected override async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        var consumer = (await jetStream.GetConsumerAsync(Streams.Messages.Name, TurnQueue.ConsumerName, cancellationToken)).Info;
        Volatile.Write(ref waiting, (long)consumer.NumPending);
        Volatile.Write(ref underWay, consumer.NumAckPending);
        metrics.Queued((long)consumer.NumPending);
    }
}
