using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>Sweeps the quotas from time to time, more often than the logs: a small tenant whose few places are lost is locked out until then.</summary>
internal sealed class QuotaSweepWorker(NatsTopology topology, QuotaSweeper sweeper, IOptions<SweepOptions> options, TimeProvider time, ILogger<QuotaSweepWorker> logger)
    : SweepingService("lost places in quotas", topology, time, logger)
{
    protected override TimeSpan Interval => options.Value.QuotaInterval;

    protected override Task SweepOnceAsync(CancellationToken cancellationToken) => sweeper.SweepOnceAsync(cancellationToken);
}
