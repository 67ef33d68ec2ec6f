using System.Text.Json;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Agentese;

/// <summary>
/// What each tenant has named in <c>world</c> and <c>concept</c>. Each has a session, and all that is known of it was said there: the soul remembers it as it remembers any session. When the session is
/// gone, so is what it was about, until it is named anew.
/// </summary>
internal sealed class HolonStore(JetStreamReader reader, FencedPublisher publisher, SessionStore sessions, SessionDeletion deletion, TimeProvider time)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Agentese);

    private readonly BucketRecords<HolonRecord> records = new(Buckets.AgenteseRecords, WireJson.Default.HolonRecord, reader, publisher, time);

    public static ProblemHttpResult Unknown(AgentesePath path) => Problem.PathNotFound(
        $"Nothing is known of {path.Handle} here: whoever defines it makes it known.", path.Context.Length + 1, $"{path.Handle}.define");

    /// <summary>Null when the tenant has named no such thing, or its session is gone.</summary>
    public async Task<SessionId?> FindAsync(TenantId tenant, string context, string holon, CancellationToken cancellationToken) =>
        await records.FindAsync(Subjects.Holon(tenant, context, holon), cancellationToken) is var (record, _) && await sessions.FindAsync(tenant, record.Session, cancellationToken) is not null
            ? record.Session
            : null;

    /// <summary>
    /// Makes the session of a name that has none; false when another request was first, and its session is the one. A process that dies between the two leaves a session in which nothing was said.
    /// </summary>
    public async Task<bool> TryNameAsync(TenantId tenant, AgentesePath path, SessionId id, NewSession session, CancellationToken cancellationToken)
    {
        var subject = Subjects.Holon(tenant, path.Context, path.Holon);
        var found = await records.FindAsync(subject, cancellationToken);
        if (found is var (record, _) && (record.Session == id || await sessions.FindAsync(tenant, record.Session, cancellationToken) is not null))
        {
            return record.Session == id;
        }

        await sessions.EnsureAsync(tenant, id, session, cancellationToken);
        if (await records.TryPutAsync(subject, new HolonRecord(id, time.GetUtcNow()), found?.Sequence ?? 0, cancellationToken) is not null)
        {
            return true;
        }

        await deletion.DeleteAsync(tenant, id, cancellationToken);
        return false;
    }

    /// <summary>The handles of what the tenant has named and not forgotten, in the order in which it did, and the cursor of the next page.</summary>
    public async Task<(IReadOnlyList<string> Handles, ulong? Next)> ListAsync(TenantId tenant, int limit, ulong after, CancellationToken cancellationToken)
    {
        var page = new List<(string Handle, ulong Sequence, SessionId Session)>();
        var (_, last) = await reader.RangeAsync(Stream, cancellationToken);
        foreach (var context in (string[])["world", "concept"])
        {
            await foreach (var entry in reader.ReadAsync(Stream, Subjects.Holons(tenant, context), after + 1, last, cancellationToken).Take(limit + 1))
            {
                page.Add(($"{context}.{entry.Subject[(entry.Subject.LastIndexOf('.') + 1)..]}", entry.Sequence, JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.HolonRecord)!.Session));
            }
        }

        var holons = page.OrderBy(each => each.Sequence).Take(limit).ToList();
        var there = await Task.WhenAll(holons.Select(each => sessions.FindAsync(tenant, each.Session, cancellationToken)));
        return ([.. holons.Where((_, at) => there[at] is not null).Select(each => each.Handle)], page.Count > limit ? holons[^1].Sequence : null);
    }
}
