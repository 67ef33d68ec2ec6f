using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Usage;

/// <summary>
/// The ranges that one partition's ledger has entered of some hours, up to the entry that was the last one when this was begun. An hour is read where the last snapshot says that it is; what came after
/// the snapshot is read whole, since usage may be entered late.
/// </summary>
internal sealed class LedgerReading(int partition, JetStreamReader reader)
{
    private readonly LedgerLog log = new(partition, reader);
    private (LedgerEntry Entry, ulong Sequence)? last;
    private LedgerEntry? start;
    private ulong startSequence;

    public int Partition => partition;

    /// <summary>The last event that the ledger has, once all was read.</summary>
    public ulong Through { get; private set; }

    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        last = await log.LastAsync(cancellationToken);
        if (last is { } end)
        {
            startSequence = end.Entry is LedgerOpened or LedgerSnapshot ? end.Sequence : end.Entry.Base;
            start = await log.GetAsync(startSequence, cancellationToken);
        }
    }

    /// <summary>In the order of the ledger, so that of two totals of the same the later one holds.</summary>
    public async IAsyncEnumerable<UsageReceived> ReadAsync(UsageQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (last is not { } end)
        {
            yield break;
        }

        foreach (var piece in Pieces(query).Append(new SequenceRange(startSequence, end.Sequence)))
        {
            await foreach (var (entry, sequence, _) in log.ReadAsync(piece.From, piece.To, cancellationToken))
            {
                if (sequence > piece.To)
                {
                    break;
                }

                Through = entry switch
                {
                    LedgerOpened opened => opened.From - 1,
                    LedgerSnapshot snapshot => snapshot.ReceivedThrough,
                    UsageReceived received => received.To,
                    _ => Through,
                };
                if (entry is UsageReceived range)
                {
                    yield return range;
                }
            }
        }
    }

    /// <summary>The last event that the ledger has, without reading any hour.</summary>
    public async Task<ulong> ReadThroughAsync(CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken);
        var nothing = new UsageQuery(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, UsageWindow.Total, [], Model: null, Session: null, Key: null);
        await foreach (var _ in ReadAsync(nothing, cancellationToken))
        {
        }

        return Through;
    }

    /// <summary>Where the wanted hours are before the snapshot. Pieces that touch are one, so that nothing is read twice.</summary>
    private List<SequenceRange> Pieces(UsageQuery query)
    {
        var pieces = new List<SequenceRange>();
        foreach (var hour in (start as LedgerSnapshot)?.Hours.Where(hour => query.Covers(hour.Hour)).OrderBy(hour => hour.First) ?? Enumerable.Empty<LedgerHour>())
        {
            if (pieces.Count > 0 && hour.First <= pieces[^1].To + 1)
            {
                pieces[^1] = pieces[^1] with { To = Math.Max(pieces[^1].To, hour.Last) };
            }
            else
            {
                pieces.Add(new SequenceRange(hour.First, hour.Last));
            }
        }

        return pieces;
    }
}
