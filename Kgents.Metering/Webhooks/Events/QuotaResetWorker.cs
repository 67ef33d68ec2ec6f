using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Looks for a new month from time to time. Each replica does; who comes second says nothing new.</summary>
internal sealed class QuotaResetWorker(NatsTopology topology, QuotaResets resets, IOptions<WebhookDeliveryOptions> options, TimeProvider time, ILogger<QuotaResetWorker> logger)
    : SweepingService("tenants that wait for a new month", topology, time, logger)
{
    protected override TimeSpan Interval => options.Value.ResetInterval;

    protected override Task SweepOnceAsync(CancellationToken cancellationToken) => resets.TellOnceAsync(cancellationToken);
}
