using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>What becomes of each event at each webhook.</summary>
public sealed class WebhookDeliveries(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    /// <summary>Looked up in one request.</summary>
    private const int EventsAtOnce = 100;

    /// <summary>Looked at for one page, and then to the end of what was read with them.</summary>
    private const int MostEvents = 1000;

    private static readonly string Stream = Subjects.KeyValueStream(Buckets.WebhookDeliveries);

    private readonly BucketRecords<WebhookDelivery> records = new(Buckets.WebhookDeliveryRecords, WireJson.Default.WebhookDelivery, reader, publisher, time);

    /// <summary>
    /// A page of a webhook's, the latest event first. The tenant's events are read backwards, as far as it takes to fill it, and what became of each at the webhook is looked up: the bucket has deliveries by
    /// their last change. Where few are among very many events, a page is short, and the next one goes on.
    /// </summary>
    /// <param name="since">The webhook was told of nothing that was stored before.</param>
    /// <param name="before">The sequence of an event; those from it on are left out.</param>
    /// <returns>At most <paramref name="limit"/>; and where the next page begins, if there is one.</returns>
    public async Task<(IReadOnlyList<(WebhookEventId Id, WebhookDelivery Delivery)> Deliveries, ulong? Next)> PageAsync(
        TenantId tenant, WebhookId webhook, DateTimeOffset since, ulong before, int limit, CancellationToken cancellationToken)
    {
        var page = new List<(WebhookEventId Id, WebhookDelivery Delivery)>();
        var seen = 0;
        await foreach (var piece in reader.ReadBackwardsAsync(Streams.WebhookEvents.Name, Subjects.WebhookEvents(tenant), before, cancellationToken))
        {
            var events = piece.TakeWhile(entry => entry.Time >= since).ToList();
            foreach (var some in events.Chunk(EventsAtOnce).TakeWhile(_ => page.Count <= limit))
            {
                page.AddRange((await OfAsync(tenant, webhook, some, cancellationToken)).OrderByDescending(each => each.Delivery.Sequence));
            }

            if (page.Count > limit)
            {
                return ([.. page.Take(limit)], page[limit - 1].Delivery.Sequence);
            }

            if (events.Count < piece.Count)
            {
                break;
            }

            seen += piece.Count;
            if (seen >= MostEvents)
            {
                return (page, piece[^1].Sequence);
            }
        }

        return (page, null);
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

    /// <summary>What became of these events at a webhook; nothing of those that it did not choose.</summary>
    private async Task<IReadOnlyList<(WebhookEventId Id, WebhookDelivery Delivery)>> OfAsync(TenantId tenant, WebhookId webhook, IReadOnlyList<StoredEntry> events, CancellationToken cancellationToken)
    {
        var found = new List<(WebhookEventId, WebhookDelivery)>();
        var subjects = events.Where(entry => Subjects.TryParseWebhookEvent(entry.Subject, out _, out _)).Select(entry => Subjects.WebhookDelivery(new DeliveryAddress(tenant, webhook, IdOf(entry.Subject))));
        await foreach (var stored in reader.LastOfEachAsync(Stream, [.. subjects], cancellationToken))
        {
            if (!stored.Data.IsEmpty)
            {
                found.Add((IdOf(stored.Subject), JsonSerializer.Deserialize(stored.Data.Span, WireJson.Default.WebhookDelivery)!));
            }
        }

        return found;
    }

    private static WebhookEventId IdOf(string subject) => WebhookEventId.Parse(subject[(subject.LastIndexOf('.') + 1)..]);
}
