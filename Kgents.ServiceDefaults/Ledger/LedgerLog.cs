using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Ledger;

/// <summary>The ledger of one partition, for reading.</summary>
public sealed class LedgerLog(int partition, JetStreamReader reader)
{
    private static readonly string Stream = Streams.Ledger.Name;

    private readonly string subject = Subjects.Ledger(partition);

    /// <summary>The last entry, from the leader; null for a ledger without one.</summary>
    public async Task<(LedgerEntry Entry, ulong Sequence)?> LastAsync(CancellationToken cancellationToken) =>
        await reader.LastAsync(Stream, subject, cancellationToken) is { } stored ? (LedgerCodec.Decode(stored), stored.Sequence) : null;

    /// <summary>The entry of this sequence of the ledger's stream, from the leader.</summary>
    /// <exception cref="LedgerBrokenException">It is gone.</exception>
    public async Task<LedgerEntry> GetAsync(ulong sequence, CancellationToken cancellationToken) =>
        await reader.NextAsync(Stream, subject, sequence, cancellationToken) is { } stored && stored.Sequence == sequence
            ? LedgerCodec.Decode(stored)
            : throw new LedgerBrokenException($"its entry {sequence} is not there");

    /// <summary>Entries in order, each checked against the one before it.</summary>
    public async IAsyncEnumerable<(LedgerEntry Entry, ulong Sequence, string Hash)> ReadAsync(
        ulong from, ulong upTo, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (long Number, string Hash)? before = null;
        await foreach (var stored in reader.ReadAsync(Stream, subject, from, upTo, cancellationToken))
        {
            var entry = LedgerCodec.Decode(stored);
            if (before is { } known && (entry.Number != known.Number + 1 || entry.Previous != known.Hash))
            {
                throw new LedgerBrokenException($"entry {entry.Number} does not follow entry {known.Number}");
            }

            before = (entry.Number, LedgerCodec.Hash(stored.Data.Span));
            yield return (entry, stored.Sequence, before.Value.Hash);
        }
    }
}
