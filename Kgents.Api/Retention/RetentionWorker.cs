using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Retention;

/// <summary>Applies the plans' retention from time to time.</summary>
internal sealed class RetentionWorker(NatsTopology topology, SessionRetention retention, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionWorker> logger)
    : SweepingService("sessions that are kept no longer", topology, time, logger)
{
    protected override TimeSpan Interval => options.Value.Interval;

    protected override Task SweepOnceAsync(CancellationToken cancellationToken) => retention.ApplyOnceAsync(cancellationToken);
}
