using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Sessions;

/// <summary>A session as it is now: its record, and what was changed since.</summary>
internal sealed record ListedSession(SessionRecord Record, SessionDetails? Details);

/// <summary>
/// The sessions of a tenant, newest first: a page costs what is read to fill it. Where few are wanted among very many, a page is short, and the next one goes on.
/// </summary>
internal sealed class SessionListing(JetStreamReader reader, SessionDetailsStore details)
{
    /// <summary>Looked at for one page, and then to the end of what was read with them.</summary>
    private const int MostSessions = 1000;

    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Sessions);

    /// <summary>Up to <paramref name="limit"/> sessions before the cursor; and the cursor of the next page, if there is one.</summary>
    /// <param name="archived">Only those that are archived, only those that are not, or, with null, both.</param>
    public async Task<(IReadOnlyList<ListedSession> Sessions, ulong? Next)> ReadAsync(TenantId tenant, bool? archived, int limit, ulong before, CancellationToken cancellationToken)
    {
        var page = new List<(ListedSession Session, ulong Sequence)>();
        var seen = 0;
        await foreach (var piece in reader.ReadBackwardsAsync(Stream, Subjects.TenantSessions(tenant), before, cancellationToken, wanted: limit + 1))
        {
            var entries = piece.Where(entry => entry.Data.Length > 0).Select(entry => (Record: JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionRecord)!, entry.Sequence));
            foreach (var part in entries.Chunk(Math.Max(limit + 1, 100)).TakeWhile(_ => page.Count <= limit))
            {
                var changed = await details.FindAsync(tenant, [.. part.Select(entry => entry.Record)], cancellationToken);
                page.AddRange(part
                    .Select(entry => (new ListedSession(entry.Record, changed.GetValueOrDefault(entry.Record.Id)), entry.Sequence))
                    .Where(entry => archived is null || (entry.Item1.Details?.IsArchived ?? false) == archived));
            }

            if (page.Count > limit)
            {
                return ([.. page.Take(limit).Select(entry => entry.Session)], page[limit - 1].Sequence);
            }

            seen += piece.Count;
            if (seen >= MostSessions)
            {
                return ([.. page.Select(entry => entry.Session)], piece[^1].Sequence);
            }
        }

        return ([.. page.Select(entry => entry.Session)], null);
    }
}
