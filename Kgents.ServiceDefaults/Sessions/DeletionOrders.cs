using System.Runtime.CompilerServices;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.ServiceDefaults.Sessions;

/// <summary>An order as it is stored.</summary>
/// <param name="Revision">Whoever changes or removes the order does so only while this is its revision.</param>
public sealed record StoredOrder(TenantId Tenant, SessionId Session, DeletionOrder Order, ulong Revision);

/// <summary>The orders to delete sessions. Each is changed and removed by its revision, so of several workers, and of an order that comes again, none undoes another.</summary>
public sealed class DeletionOrders(INatsJSContext jetStream, JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Deletions);

    public async IAsyncEnumerable<StoredOrder> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in reader.ReadAsync(Stream, Subjects.AllDeletions, 1, 0, cancellationToken))
        {
            if (Subjects.TryParseDeletion(entry.Subject, out var tenant, out var session))
            {
                yield return new StoredOrder(tenant, session, Read(entry), entry.Sequence);
            }
        }
    }

    /// <summary>Stores a new order, in the place of one that is there: whoever carries that out finds it changed, and begins again.</summary>
    public async Task PlaceAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var subject = Subjects.Deletion(tenant, session);
        var payload = JsonSerializer.SerializeToUtf8Bytes(new DeletionOrder(time.GetUtcNow()), WireJson.Default.DeletionOrder);
        FencedResult result;
        do
        {
            var last = await reader.LastAsync(Stream, subject, cancellationToken);
            result = await publisher.AppendAsync(Stream, subject, payload, [], last?.Sequence ?? 0, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
        }
        while (!result.IsStored);
    }

    /// <summary>Notes that all of the session was purged, unless the order has changed.</summary>
    public async Task MarkPurgedAsync(StoredOrder order, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(order.Order with { PurgedAt = at }, WireJson.Default.DeletionOrder);
        await publisher.AppendAsync(
            Stream, Subjects.Deletion(order.Tenant, order.Session), payload, [], order.Revision, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
    }

    /// <summary>Removes the order, unless it has changed. It leaves no mark: there is one under the session's key already.</summary>
    public async Task RemoveAsync(StoredOrder order, CancellationToken cancellationToken) => await jetStream.PurgeStreamAsync(
        Stream, new StreamPurgeRequest { Filter = Subjects.Deletion(order.Tenant, order.Session), Seq = order.Revision + 1 }, cancellationToken);

    /// <summary>An order is an order, also when no more of it can be read.</summary>
    private static DeletionOrder Read(StoredEntry entry)
    {
        try
        {
            return JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.DeletionOrder) ?? new DeletionOrder(entry.Time);
        }
        catch (JsonException)
        {
            return new DeletionOrder(entry.Time);
        }
    }
}
