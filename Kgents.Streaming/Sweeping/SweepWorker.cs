using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>Sweeps the logs from time to time.</summary>
internal sealed class SweepWorker(NatsTopology topology, TurnSweeper sweeper, IOptions<SweepOptions> options, TimeProvider time, ILogger<SweepWorker> logger)
    : SweepingService("unfinished turns", topology, time, logger)
{
    protected override TimeSpan Interval => options.Value.Interval;

    protected override Task SweepOnceAsync(CancellationToken cancellationToken) => sweeper.SweepOnceAsync(cancellationToken);
}
