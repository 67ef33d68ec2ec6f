using System.Runtime.CompilerServices;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Reads a stream from its end. JetStream reads forwards only, so it is read one piece after the other, larger ones where the subject has few messages: who stops when a page is full
/// pays for what is read to fill it, and what is before that is not read. Where the subject has none, pieces cost one request each and grow without end; beyond its first message there are none.
/// </summary>
public static class BackwardReading
{
    private const int FirstPiece = 256;
    private const int Growth = 4;

    /// <summary>In memory at once. A piece that grew where messages are few, and meets many, is made smaller.</summary>
    private const int MostInPiece = FirstPiece * Growth;

    /// <summary>Walked side by side, where messages are asked for one by one.</summary>
    private const int Lanes = 8;

    /// <summary>The messages of a subject before a sequence, the latest first, piece by piece. No piece is empty.</summary>
    /// <param name="wanted">
    /// How many fill a page, where the subject may have very many: so many sequences are looked at first, message by message. For a batch the server counts what the subject has from there to the end of the
    /// stream, subject by subject of a wildcard in the stream's last blocks, which takes longer than all messages of a page; for a single message it counts nothing.
    /// </param>
    public static async IAsyncEnumerable<IReadOnlyList<StoredEntry>> ReadBackwardsAsync(
        this JetStreamReader reader, string stream, string subject, ulong before, [EnumeratorCancellation] CancellationToken cancellationToken, int wanted = 0)
    {
        var (first, last) = await reader.RangeAsync(stream, cancellationToken);
        var end = Math.Min(before, last + 1);
        if (wanted > 0 && end > first)
        {
            var start = end - Math.Min((ulong)wanted, end - first);
            if (await reader.WalkAsync(stream, subject, start, end, cancellationToken) is { Count: > 0 } entries)
            {
                yield return entries;
            }

            end = start;
        }

        var isFirstOfSubject = false;
        var piece = (ulong)FirstPiece;
        while (end > first)
        {
            var start = end > first + piece ? end - piece : first;

            // A batch is not told where to end: where the piece has nothing it would bring later ones, which were read already. One that grew may have nothing.
            var from = piece == FirstPiece ? start : (await reader.NextAsync(stream, subject, start, cancellationToken))?.Sequence ?? end;
            var entries = from < end ? await PieceAsync(from, end) : [];
            if (entries.Count > MostInPiece)
            {
                piece /= Growth;
                continue;
            }

            if (entries.Count > 0)
            {
                yield return entries;
            }

            piece = entries.Count < FirstPiece ? piece * Growth : FirstPiece;
            end = start;
            if (!isFirstOfSubject && end > first)
            {
                // Not before the first piece, which is all that most want: among very many messages this takes longer than the piece.
                first = (await reader.NextAsync(stream, subject, 1, cancellationToken))?.Sequence ?? end;
                isFirstOfSubject = true;
            }
        }

        ValueTask<List<StoredEntry>> PieceAsync(ulong from, ulong end) =>
            reader.ReadAsync(stream, subject, from, end - 1, cancellationToken).TakeWhile(entry => entry.Sequence < end).Take(MostInPiece + 1).Reverse().ToListAsync(cancellationToken);
    }

    /// <summary>The latest first. Each lane ends where the next one begins, and a message beyond it is that one's.</summary>
    private static async Task<IReadOnlyList<StoredEntry>> WalkAsync(this JetStreamReader reader, string stream, string subject, ulong start, ulong end, CancellationToken cancellationToken)
    {
        var lanes = Math.Min(Lanes, end - start);
        ulong Border(int lane) => start + ((end - start) * (ulong)lane / lanes);
        var walked = await Task.WhenAll(Enumerable.Range(0, (int)lanes).Select(lane => LaneAsync(Border(lane), Border(lane + 1))));
        return [.. walked.SelectMany(entries => entries).Reverse()];

        async Task<List<StoredEntry>> LaneAsync(ulong next, ulong border)
        {
            var entries = new List<StoredEntry>();
            while (next < border && await reader.NextAsync(stream, subject, next, cancellationToken) is { } entry && entry.Sequence < border)
            {
                entries.Add(entry);
                next = entry.Sequence + 1;
            }

            return entries;
        }
    }
}
