using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Sessions;

/// <summary>Which sessions are deleted: those whose record is only a mark, read from the leader. Nothing of one is run.</summary>
public sealed class DeletedSessions(JetStreamReader reader, FencedPublisher publisher)
{
    private static readonly string Records = Subjects.KeyValueStream(Buckets.Sessions);

    /// <summary>How a KV bucket says that a key has no value any more.</summary>
    private static readonly KeyValuePair<string, string>[] Deleted = [new("KV-Operation", "DEL")];

    public async Task<bool> ContainsAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await reader.LastAsync(Records, Subjects.SessionRecord(tenant, session), cancellationToken) is { Data.Length: 0 };

    /// <summary>Puts the mark in the place of the record, once the order is stored. May be repeated, and stays for ever.</summary>
    public async Task AddAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        var subject = Subjects.SessionRecord(tenant, session);
        while (await reader.LastAsync(Records, subject, cancellationToken) is { Data.Length: > 0 } record)
        {
            await publisher.AppendAsync(Records, subject, ReadOnlyMemory<byte>.Empty, Deleted, record.Sequence, entry => entry.Data.Length == 0, cancellationToken);
        }
    }
}
