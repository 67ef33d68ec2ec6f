using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Ledger;

/// <summary>
/// The ledger of one partition, as one writer has it: what it read, and what it appends. An append is refused if anybody else has written since,
/// and then this object is of no use any more.
/// </summary>
internal sealed class UsageLedger(int partition, JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private static readonly string Stream = Streams.Ledger.Name;

    private readonly string subject = Subjects.Ledger(partition);
    private readonly LedgerLog log = new(partition, reader);
    private readonly string writer = Guid.NewGuid().ToString("n");

    public int Partition => partition;

    public LedgerState State { get; } = new();

    /// <summary>Reads what the ledger adds up to, from its last snapshot on.</summary>
    /// <exception cref="LedgerBrokenException">It contradicts itself.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        if (await reader.LastAsync(Stream, subject, cancellationToken) is not { } last)
        {
            return;
        }

        var from = LedgerCodec.Decode(last) is var entry && entry is LedgerOpened or LedgerSnapshot ? last.Sequence : entry.Base;
        await foreach (var (read, sequence, hash) in ReadAsync(from, last.Sequence, cancellationToken))
        {
            State.Apply(read, sequence, hash);
        }

        if (State.LastSequence < last.Sequence)
        {
            throw new LedgerBrokenException($"its entries from {from} on are not there");
        }
    }

    /// <summary>Only where the next entry goes, for one that begins the ledger anew: what is before it may be broken.</summary>
    public async Task LoadLastAsync(CancellationToken cancellationToken)
    {
        if (await reader.LastAsync(Stream, subject, cancellationToken) is { } last)
        {
            State.Apply(new UsageParked([], "") { Number = LedgerCodec.TryDecode(last)?.Number ?? 0 }, last.Sequence, LedgerCodec.Hash(last.Data.Span));
        }
    }

    /// <summary>Where the ledger was opened last, whatever stands before it.</summary>
    public async Task<ulong> LastOpeningAsync(CancellationToken cancellationToken)
    {
        var opening = 1UL;
        await foreach (var stored in reader.ReadAsync(Stream, subject, 1, 0, cancellationToken))
        {
            opening = LedgerCodec.TryDecode(stored) is LedgerOpened ? stored.Sequence : opening;
        }

        return opening;
    }

    /// <summary>Those that can be read, of all from a sequence to the last one that is known, whatever stands before and between them.</summary>
    public async IAsyncEnumerable<LedgerEntry> ReadUncheckedAsync(ulong from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (from > State.LastSequence)
        {
            yield break;
        }

        await foreach (var stored in reader.ReadAsync(Stream, subject, from, State.LastSequence, cancellationToken))
        {
            if (stored.Sequence > State.LastSequence)
            {
                yield break;
            }

            if (LedgerCodec.TryDecode(stored) is { } entry)
            {
                yield return entry;
            }
        }
    }

    /// <summary>Entries in order, each checked against the one before it.</summary>
    public IAsyncEnumerable<(LedgerEntry Entry, ulong Sequence, string Hash)> ReadAsync(ulong from, ulong upTo, CancellationToken cancellationToken) =>
        log.ReadAsync(from, upTo, cancellationToken);

    /// <summary>The first <c>received</c> entry from a sequence on, from the leader; null for none.</summary>
    public async Task<(UsageReceived Entry, ulong Sequence)?> NextReceivedAsync(ulong from, CancellationToken cancellationToken)
    {
        while (await reader.NextAsync(Stream, subject, from, cancellationToken) is { } stored)
        {
            if (LedgerCodec.Decode(stored) is UsageReceived received)
            {
                return (received, stored.Sequence);
            }

            from = stored.Sequence + 1;
        }

        return null;
    }

    /// <summary>Sees what somebody else has entered also when there is nothing to append, which is how an operator's decision comes to a replica at rest.</summary>
    /// <exception cref="LedgerFenceLostException">This is not the end of the ledger any more.</exception>
    public async Task CheckFenceAsync(CancellationToken cancellationToken)
    {
        if (await reader.NextAsync(Stream, subject, State.LastSequence + 1, cancellationToken) is not null)
        {
            throw new LedgerFenceLostException(partition);
        }
    }

    /// <summary>Returns when the entry is stored, and the state has it.</summary>
    /// <exception cref="LedgerFenceLostException">Another writer was first.</exception>
    public async Task<ulong> AppendAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        var chained = entry with { Number = State.Number + 1, Previous = State.Hash, Base = State.Base, Writer = writer, At = time.GetUtcNow() };
        var bytes = LedgerCodec.Encode(chained);
        var result = await publisher.AppendAsync(Stream, subject, bytes, [], State.LastSequence, stored => stored.Data.Span.SequenceEqual(bytes), cancellationToken);
        if (!result.IsStored)
        {
            throw new LedgerFenceLostException(partition);
        }

        State.Apply(chained, result.Sequence, LedgerCodec.Hash(bytes));
        return result.Sequence;
    }
}
