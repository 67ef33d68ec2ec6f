using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Sessions;

/// <summary>Sessions of a tenant, in JetStream and nowhere else. Existence is always read from the leader: a session that was just created is there.</summary>
internal sealed class SessionStore(SessionAnswers answers, JetStreamReader reader, FencedPublisher publisher, IOptions<NatsTopologyOptions> streams, TimeProvider time)
{
    /// <summary>That of sessions whose ids are made of something else, so that more partitions change none.</summary>
    private const int FirstPartition = 0;

    /// <summary>Where the records are.</summary>
    public static string Stream { get; } = Subjects.KeyValueStream(Buckets.Sessions);

    public async Task<SessionRecord> CreateAsync(TenantId tenant, NewSession session, CancellationToken cancellationToken)
    {
        var record = session.ToRecord(NewId(), tenant, time.GetUtcNow());
        var payload = JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.SessionRecord);
        var result = await publisher.AppendAsync(
            Stream, Subjects.SessionRecord(tenant, record.Id), payload, [], expectedLast: 0, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
        return result.IsStored ? record : throw new InvalidOperationException($"Session id {record.Id} was drawn twice.");
    }

    /// <summary>The session of an id that was decided elsewhere: created now, or by an earlier or another request.</summary>
    public async Task<SessionId> EnsureAsync(TenantId tenant, SessionId id, NewSession session, CancellationToken cancellationToken)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(session.ToRecord(id, tenant, time.GetUtcNow()), WireJson.Default.SessionRecord);
        await publisher.AppendAsync(Stream, Subjects.SessionRecord(tenant, id), payload, [], expectedLast: 0, _ => true, cancellationToken);
        return id;
    }

    public SessionId NewId() => SessionId.New(Random.Shared.Next(streams.Value.Partitions), time);

    /// <summary>The session that a client's key stands for: the same whenever it is asked for, and never another's.</summary>
    public static SessionId IdOf(TenantId tenant, string purpose, string key) => SessionId.Parse(
        $"s{FirstPartition}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{tenant}\n{purpose}\n{key}")))[..32]}");

    /// <summary>Null when the tenant has no such session (any more), whoever else may have it.</summary>
    public async Task<SessionRecord?> FindAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var entry = await reader.LastAsync(Stream, Subjects.SessionRecord(tenant, session), cancellationToken);
        return entry is null ? null : Read(entry);
    }

    /// <summary>True when the session is deleted, and so far that its messages are gone: then all its turns have ended.</summary>
    public async Task<bool> IsErasedAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await FindAsync(tenant, session, cancellationToken) is null
        && await reader.LastAsync(Streams.Messages.Name, Subjects.Conversation(tenant, session), cancellationToken) is null;

    /// <summary>What the session's answers add up to so far.</summary>
    public async Task<SessionTotals> TotalsAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        (await answers.LastAsync(tenant, session, cancellationToken))?.Answer.Totals ?? SessionTotals.None;

    private static SessionRecord? Read(StoredEntry entry) =>
        entry.Data.Length > 0 ? JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionRecord) : null;
}
