using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Sessions;

/// <summary>A session as it is now: its record, and what was changed since.</summary>
internal sealed record ListedSession(SessionRecord Record, SessionDetails? Details);

/// <summary>
/// The sessions of a tenant, newest first. JetStream reads forwards only, so this reads one piece of the stream after another from its end, larger ones where the tenant has few there: a page
/// costs what is read to fill it, and what is before that is not read. Where so few are wanted that much would be read for a page, it is short, and the next one goes on.
/// </summary>
internal sealed class SessionListing(JetStreamReader reader, SessionDetailsStore details)
{
    private const ulong FirstPiece = 256;
    private const ulong LargestPiece = 16 * 1024;
    private const ulong Growth = 4;

    /// <summary>For one page, and so many pieces.</summary>
    private const int MostSessions = 1000;
    private const int MostPieces = 32;
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Sessions);

    /// <summary>Up to <paramref name="limit"/> sessions before the cursor; and the cursor of the next page, if there is one.</summary>
    /// <param name="archived">Only those that are archived, only those that are not, or, with null, both.</param>
    public async Task<(IReadOnlyList<ListedSession> Sessions, ulong? Next)> ReadAsync(TenantId tenant, bool? archived, int limit, ulong before, CancellationToken cancellationToken)
    {
        var (first, last) = await reader.RangeAsync(Stream, cancellationToken);
        var page = new List<(ListedSession Session, ulong Sequence)>();
        var end = Math.Min(before, last + 1);
        var piece = FirstPiece;
        var (seen, pieces) = (0, 0);
        while (end > first && page.Count <= limit && seen < MostSessions && pieces < MostPieces)
        {
            var start = end - first > piece ? end - piece : first;
            var entries = await reader.ReadAsync(Stream, Subjects.TenantSessions(tenant), start, end - 1, cancellationToken)
                .TakeWhile(entry => entry.Sequence < end)
                .Where(entry => entry.Data.Length > 0)
                .Select(entry => (Record: JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.SessionRecord)!, entry.Sequence))
                .Reverse()
                .ToListAsync(cancellationToken);
            foreach (var part in entries.Chunk(Math.Max(limit + 1, 100)))
            {
                var changed = await details.FindAsync(tenant, [.. part.Select(entry => entry.Record)], cancellationToken);
                page.AddRange(part
                    .Select(entry => (new ListedSession(entry.Record, changed.GetValueOrDefault(entry.Record.Id)), entry.Sequence))
                    .Where(entry => archived is null || (entry.Item1.Details?.IsArchived ?? false) == archived));
                if (page.Count > limit)
                {
                    break;
                }
            }

            // Only where sessions are few and far between: what is in a piece is in memory.
            piece = entries.Count < (int)FirstPiece ? Math.Min(piece * Growth, LargestPiece) : FirstPiece;
            end = start;
            (seen, pieces) = (seen + entries.Count, pieces + 1);
        }

        return ([.. page.Take(limit).Select(entry => entry.Session)], page.Count > limit ? page[limit - 1].Sequence : end > first ? end : null);
    }
}
