using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>What was given up: the state of a ledger knows it from before the ledger was begun anew, and what was since is in its entries. It is the last decision on an event that holds.</summary>
internal static class DiscardedEvents
{
    /// <summary>Those of these events that were given up.</summary>
    /// <param name="hours">Of the events: before the ledger had any of these hours, nobody can have given one up since it was opened.</param>
    public static async Task<IReadOnlySet<ulong>> FindDiscardedAsync(this UsageLedger ledger, IReadOnlyCollection<ulong> sequences, IEnumerable<string> hours, CancellationToken cancellationToken)
    {
        var discarded = sequences.Where(ledger.State.Decisions.Discarded.Contains).ToHashSet();
        var first = hours.Distinct().Select(hour => ledger.State.Hours.GetValueOrDefault(hour)?.First).Min();
        if (ledger.State.Counts.Discarded == 0 || first is not { } from)
        {
            return discarded;
        }

        await foreach (var (entry, _, _) in ledger.ReadAsync(from, ledger.State.LastSequence, cancellationToken))
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
