using System.Diagnostics.CodeAnalysis;
using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>Events that were sent, or wait to be sent again, by sequence; each under the id that an operator gave it last, if one did.</summary>
internal sealed class UnsettledEvents(UsageDecisions decisions)
{
    private readonly SortedDictionary<ulong, UnsettledEvent> events = [];

    public IReadOnlyDictionary<ulong, UnsettledEvent> All => events;

    /// <summary>In place of what was known of it.</summary>
    public UnsettledEvent Begin(ulong sequence, DateTimeOffset at) =>
        events[sequence] = decisions.IdOf(sequence) is { } id ? new UnsettledEvent(sequence, at) { Id = id, ReissuedAs = id } : new UnsettledEvent(sequence, at);

    public UnsettledEvent GetOrBegin(ulong sequence, DateTimeOffset at) => events.GetValueOrDefault(sequence) ?? Begin(sequence, at);

    public bool Remove(ulong sequence, [NotNullWhen(true)] out UnsettledEvent? each) => events.Remove(sequence, out each);

    /// <summary>How many of these there are.</summary>
    public long ForEach(IEnumerable<SequenceRange> ranges, Action<UnsettledEvent> change)
    {
        var changed = 0L;
        foreach (var sequence in SequenceRange.All(ranges))
        {
            if (events.TryGetValue(sequence, out var each))
            {
                change(each);
                changed++;
            }
        }

        return changed;
    }

    /// <summary>The process that writes a snapshot goes on with what it has in hand: what it knows of an event, a snapshot does not say.</summary>
    public void Restore(IEnumerable<UnsettledRange> ranges, DateTimeOffset at)
    {
        var known = events.ToDictionary();
        events.Clear();
        foreach (var each in UnsettledEvent.From(ranges, at))
        {
            events[each.Sequence] = known.GetValueOrDefault(each.Sequence, each);
        }
    }

    public void Clear() => events.Clear();
}
