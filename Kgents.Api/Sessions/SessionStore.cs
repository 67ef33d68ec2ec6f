using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Sessions;

/// <summary>Sessions of a tenant, in JetStream and nowhere else. Existence is always read from the leader: a session that was just created is there.</summary>
internal sealed class SessionStore(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private const int CurrentPartition = 0;
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Sessions);

    public async Task<SessionRecord> CreateAsync(TenantId tenant, string? title, string mode, CancellationToken cancellationToken)
    {
        var record = new SessionRecord(SessionId.New(CurrentPartition, time), tenant, title, "kgent", mode, time.GetUtcNow());
        var payload = JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.SessionRecord);
        var result = await publisher.AppendAsync(
            Stream, KeyOf(tenant, record.Id), payload, [], expectedLast: 0, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
        return result.IsStored ? record : throw new InvalidOperationException($"Session id {record.Id} was drawn twice.");
    }

    /// <summary>Null when the tenant has no such session, whoever else may have it.</summary>
    public async Task<SessionRecord?> FindAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var entry = await reader.LastAsync(Stream, KeyOf(tenant, session), cancellationToken);
        return entry is null ? null : Read(entry);
    }

    /// <summary>Up to <paramref name="limit"/> sessions, newest first, of those before the cursor; and the cursor of the next page, if there is one.</summary>
    public async Task<(IReadOnlyList<SessionRecord> Sessions, ulong? Next)> ListAsync(TenantId tenant, int limit, ulong before, CancellationToken cancellationToken)
    {
        // JetStream reads forwards only: this walks all of the tenant's sessions and keeps the last ones before the cursor.
        var page = new Queue<StoredEntry>();
        var more = false;
        await foreach (var entry in reader.ReadAsync(Stream, Subjects.TenantSessions(tenant), 1, 0, cancellationToken))
        {
            if (entry.Sequence >= before)
            {
                break;
            }

            page.Enqueue(entry);
            if (page.Count > limit)
            {
                page.Dequeue();
                more = true;
            }
        }

        var sessions = page.Reverse().Select(Read).OfType<SessionRecord>().ToList();
        return (sessions, more ? page.Peek().Sequence : null);
    }

    /// <summary>What the session's answers add up to so far.</summary>
    public async Task<SessionTotals> TotalsAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var last = await reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(tenant, session), cancellationToken);
        return last is null ? SessionTotals.None : JsonSerializer.Deserialize(last.Data.Span, WireJson.Default.AssistantMessage)!.Totals;
    }

    private static SessionRecord? Read(StoredEntry entry) =>
        entry.Data.Length > 0 ? JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionRecord) : null;

    private static string KeyOf(TenantId tenant, SessionId session) => Subjects.KeyValue(Buckets.Sessions, Subjects.SessionKey(tenant, session));
}
