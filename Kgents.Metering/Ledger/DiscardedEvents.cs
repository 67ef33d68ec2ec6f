using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>What was given up, which the state of a ledger only counts: it is the last decision on an event that holds.</summary>
internal static class DiscardedEvents
{
    /// <summary>Those of these events that were given up.</summary>
    /// <param name="hour">Of the events, or of the earliest: before the ledger had it, nobody can have given one up.</param>
    public static async Task<IReadOnlySet<ulong>> FindDiscardedAsync(this UsageLedger ledger, IReadOnlyCollection<ulong> sequences, string hour, CancellationToken cancellationToken)
    {
        var discarded = new HashSet<ulong>();
        if (ledger.State.Counts.Discarded == 0 || !ledger.State.Hours.TryGetValue(hour, out var place))
        {
            return discarded;
        }

        await foreach (var (entry, _, _) in ledger.ReadAsync(place.First, ledger.State.LastSequence, cancellationToken))
        {
            if (entry is UsageDiscarded given && sequences.Contains(given.Sequence))
            {
                discarded.Add(given.Sequence);
            }
            else if (entry is UsageReplayed replayed)
            {
                discarded.Remove(replayed.Sequence);
            }
        }

        return discarded;
    }
}
