using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>Re-bases the quotas from time to time.</summary>
internal sealed class QuotaRebaseWorker(NatsTopology topology, QuotaRebase rebase, IOptions<QuotaOptions> options, TimeProvider time, ILogger<QuotaRebaseWorker> logger)
    : SweepingService("quotas that differ from what was recorded", topology, time, logger)
{
    protected override TimeSpan Interval => options.Value.RebaseInterval;

    protected override Task SweepOnceAsync(CancellationToken cancellationToken) => rebase.ApplyOnceAsync(cancellationToken);
}
