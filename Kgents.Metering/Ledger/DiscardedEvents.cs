using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>
/// What was given up of some events: the state of a ledger knows it from before the ledger was begun anew, and what was since is in its entries. It is the last decision on an event that holds. What was read is
/// kept from one look to the next, so that later only what was added is read.
/// </summary>
/// <param name="sequences">Of the events.</param>
/// <param name="hours">Of the events: before the ledger had any of these hours, nobody can have given one up since it was opened.</param>
internal sealed class DiscardedEvents(IReadOnlyCollection<ulong> sequences, IReadOnlyCollection<string> hours)
{
    private UsageDecisions since = new();
    private ulong readThrough;

    /// <summary>Those that were given up.</summary>
    /// <param name="ledger">As far as its last entry is known: the same at each look, or one that was read later.</param>
    public async Task<IReadOnlySet<ulong>> FindAsync(UsageLedger ledger, CancellationToken cancellationToken)
    {
        var state = ledger.State;
        var first = readThrough > 0 ? readThrough + 1 : hours.Select(hour => state.Hours.GetValueOrDefault(hour)?.First).Min();
        if (state.Counts.Discarded == 0)
        {
            since = new UsageDecisions();
        }
        else if (first is { } from && from <= state.LastSequence)
        {
            await foreach (var (entry, _, _) in ledger.ReadAsync(from, state.LastSequence, cancellationToken))
            {
                since = entry is LedgerOpened ? new UsageDecisions() : since;
                since.Apply(entry);
            }
        }

        readThrough = state.LastSequence;
        return sequences.Where(each => state.Decisions.Discarded.Contains(each) || since.Discarded.Contains(each)).ToHashSet();
    }
}
