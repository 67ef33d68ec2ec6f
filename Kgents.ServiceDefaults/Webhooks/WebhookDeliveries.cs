using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>What becomes of each event at each webhook.</summary>
public sealed class WebhookDeliveries(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private readonly BucketRecords<WebhookDelivery> records = new(Buckets.WebhookDeliveryRecords, WireJson.Default.WebhookDelivery, reader, publisher, time);

    /// <summary>All of a webhook, the latest event first.</summary>
    public async Task<IReadOnlyList<(WebhookEventId Id, WebhookDelivery Delivery)>> OfAsync(TenantId tenant, WebhookId webhook, CancellationToken cancellationToken) => await records
        .ReadAsync(Subjects.WebhookDeliveries(tenant, webhook), cancellationToken)
        .Select(found => (WebhookEventId.Parse(found.Subject[(found.Subject.LastIndexOf('.') + 1)..]), found.Value))
        .OrderByDescending(found => found.Value.Sequence)
        .ToListAsync(cancellationToken);

    public Task<(WebhookDelivery Value, ulong Sequence)?> FindAsync(DeliveryAddress address, CancellationToken cancellationToken) =>
        records.FindAsync(Subjects.WebhookDelivery(address), cancellationToken);

    /// <summary>One that is there already stays as it is.</summary>
    public Task AddAsync(DeliveryAddress address, WebhookDelivery delivery, CancellationToken cancellationToken) =>
        records.TryPutAsync(Subjects.WebhookDelivery(address), delivery, 0, cancellationToken);

    /// <summary>The sequence when it is stored; null when it has been changed since the expected one.</summary>
    public Task<ulong?> TryReplaceAsync(DeliveryAddress address, WebhookDelivery delivery, ulong expected, CancellationToken cancellationToken) =>
        records.TryPutAsync(Subjects.WebhookDelivery(address), delivery, expected, cancellationToken);

    /// <summary>The delivery as it is after the change; null when there is none.</summary>
    public Task<WebhookDelivery?> ChangeAsync(DeliveryAddress address, Func<WebhookDelivery, WebhookDelivery?> change, CancellationToken cancellationToken) =>
        records.ChangeAsync(Subjects.WebhookDelivery(address), change, cancellationToken);
}
