using System.Runtime.CompilerServices;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Reads a stream from its end. JetStream reads forwards only, so it is read one piece after the other, larger ones where the subject has few messages there: who stops when a page is full
/// pays for what is read to fill it, and what is before that is not read.
/// </summary>
public static class BackwardReading
{
    private const ulong FirstPiece = 256;
    private const ulong LargestPiece = 16 * 1024;
    private const ulong Growth = 4;

    /// <summary>The messages of a subject before a sequence, the latest first, piece by piece. A piece may be empty; in memory is one.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<StoredEntry>> ReadBackwardsAsync(
        this JetStreamReader reader, string stream, string subject, ulong before, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (first, last) = await reader.RangeAsync(stream, cancellationToken);
        var end = Math.Min(before, last + 1);
        var piece = FirstPiece;
        while (end > first)
        {
            var start = end - first > piece ? end - piece : first;
            var entries = await reader.ReadAsync(stream, subject, start, end - 1, cancellationToken).TakeWhile(entry => entry.Sequence < end).Reverse().ToListAsync(cancellationToken);
            yield return entries;

            // Only where they are few and far between.
            piece = entries.Count < (int)FirstPiece ? Math.Min(piece * Growth, LargestPiece) : FirstPiece;
            end = start;
        }
    }
}
