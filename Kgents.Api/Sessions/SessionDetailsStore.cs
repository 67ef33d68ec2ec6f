using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Api.Sessions;

/// <summary>What was changed of sessions since they were created, by compare-and-set.</summary>
internal sealed class SessionDetailsStore(JetStreamReader reader, FencedPublisher publisher, INatsJSContext jetStream)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.SessionDetails);

    /// <summary>From the leader; null while nothing was changed.</summary>
    public async Task<SessionDetails?> FindAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await reader.LastAsync(Stream, Subjects.SessionDetails(tenant, session), cancellationToken) is { } entry ? Read(entry) : null;

    /// <summary>Of each that has some, in one request. What was changed just now may not be there yet.</summary>
    public async Task<IReadOnlyDictionary<SessionId, SessionDetails>> FindAsync(TenantId tenant, IReadOnlyList<SessionRecord> sessions, CancellationToken cancellationToken)
    {
        var details = new Dictionary<SessionId, SessionDetails>();
        await foreach (var entry in reader.LastOfEachAsync(Stream, [.. sessions.Select(session => Subjects.SessionDetails(tenant, session.Id))], cancellationToken))
        {
            details[SessionId.Parse(entry.Subject[(entry.Subject.LastIndexOf('.') + 1)..])] = Read(entry);
        }

        return details;
    }

    /// <param name="change">Is asked again when another change came first.</param>
    public async Task<SessionDetails> ChangeAsync(TenantId tenant, SessionId session, Func<SessionDetails?, SessionDetails> change, CancellationToken cancellationToken)
    {
        var subject = Subjects.SessionDetails(tenant, session);
        while (true)
        {
            var last = await reader.LastAsync(Stream, subject, cancellationToken);
            var changed = change(last is null ? null : Read(last));

            // Two that write the same bytes have made the same change.
            var payload = JsonSerializer.SerializeToUtf8Bytes(changed, WireJson.Default.SessionDetails);
            if ((await publisher.AppendAsync(Stream, subject, payload, [], last?.Sequence ?? 0, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken)).IsStored)
            {
                return changed;
            }
        }
    }

    /// <summary>For a session that was deleted while it was changed.</summary>
    public async Task RemoveAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken) =>
        await jetStream.PurgeStreamAsync(Stream, new StreamPurgeRequest { Filter = Subjects.SessionDetails(tenant, session) }, cancellationToken);

    private static SessionDetails Read(StoredEntry entry) => JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionDetails)!;
}
