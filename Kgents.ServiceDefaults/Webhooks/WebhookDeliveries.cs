using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>What becomes of each event at each webhook.</summary>
public sealed class WebhookDeliveries(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private readonly BucketRecords<WebhookDelivery> records = new(Buckets.WebhookDeliveryRecords, WireJson.Default.WebhookDelivery, reader, publisher, time);

    /// <summary>
    /// Those of a webhook whose events came before one, the latest first, at most so many. All are read for it, since the bucket has them by their last change and not by their events; no more than are
    /// asked for are in memory.
    /// </summary>
    /// <param name="before">The sequence of that event.</param>
    public async Task<IReadOnlyList<(WebhookEventId Id, WebhookDelivery Delivery)>> LatestAsync(TenantId tenant, WebhookId webhook, ulong before, int most, CancellationToken cancellationToken)
    {
        var latest = new SortedList<ulong, (WebhookEventId, WebhookDelivery)>();
        await foreach (var (delivery, subject) in records.ReadAsync(Subjects.WebhookDeliveries(tenant, webhook), cancellationToken))
        {
            // One that is changed while it is read comes twice, as it is now the second time.
            if (delivery.Sequence < before)
            {
                latest[delivery.Sequence] = (WebhookEventId.Parse(subject[(subject.LastIndexOf('.') + 1)..]), delivery);
            }

            if (latest.Count > most)
            {
                latest.RemoveAt(0);
            }
        }

        return [.. latest.Values.Reverse()];
    }

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
