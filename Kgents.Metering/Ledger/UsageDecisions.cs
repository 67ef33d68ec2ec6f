using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>What operators decided on events and no usage says: what was given up, and what was sent under another id. A ledger that is begun anew takes it over.</summary>
internal sealed class UsageDecisions
{
    /// <summary>An opening and a snapshot are one message each: so many fit beside the hours of 400 days.</summary>
    public const int Most = 4000;

    private readonly SortedSet<ulong> discarded = [];
    private readonly SortedDictionary<ulong, string> reissued = [];

    public IReadOnlySet<ulong> Discarded => discarded;

    public IReadOnlyList<SequenceRange>? DiscardedRanges => discarded.Count > 0 ? SequenceRange.Of(discarded) : null;

    public IReadOnlyList<ReissuedEvent>? ReissuedEvents => reissued.Count > 0 ? [.. reissued.Select(each => new ReissuedEvent(each.Key, each.Value))] : null;

    public IEnumerable<ulong> Sequences => discarded.Union(reissued.Keys);

    /// <summary>Neighbours that were given up are one.</summary>
    public int Count => (DiscardedRanges?.Count ?? 0) + reissued.Count;

    /// <summary>The id under which it was sent last, if it is not its own.</summary>
    public string? IdOf(ulong sequence) => reissued.GetValueOrDefault(sequence);

    public void Apply(LedgerEntry entry)
    {
        switch (entry)
        {
            case UsageDiscarded one:
                discarded.Add(one.Sequence);
                break;
            case UsageReplayed one:
                discarded.Remove(one.Sequence);
                break;
            case UsageAccepted taken:
                // Sent by a version that knew of no decision: it is billed, and is looked for as every other.
                discarded.ExceptWith(SequenceRange.All(taken.Events));
                break;
            case UsageConfirmed shown:
                discarded.ExceptWith(SequenceRange.All(shown.Events));
                break;
            case UsageReissued one:
                reissued[one.Sequence] = one.Id;
                break;
            case UsageReopened { Id: { } id } one:
                reissued[one.Sequence] = id;
                break;
            case LedgerOpened opened:
                Add(opened.Discarded, opened.Reissued);
                break;
            case LedgerSnapshot snapshot:
                Add(snapshot.Discarded, snapshot.Reissued);
                break;
        }
    }

    /// <summary>All but what is given up since the ledger was opened: that is found in it, behind its event, and a snapshot needs no room for it.</summary>
    public void ApplyKept(LedgerEntry entry)
    {
        if (entry is not UsageDiscarded)
        {
            Apply(entry);
        }
    }

    public void Forget(ulong sequence)
    {
        discarded.Remove(sequence);
        reissued.Remove(sequence);
    }

    private void Add(IReadOnlyList<SequenceRange>? given, IReadOnlyList<ReissuedEvent>? again)
    {
        discarded.UnionWith(SequenceRange.All(given ?? []));
        foreach (var each in again ?? [])
        {
            reissued[each.Sequence] = each.Id;
        }
    }
}
