using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Metering.Ledger;

internal enum UnsettledPhase
{
    /// <summary>It may have been sent, or not.</summary>
    Sending,

    /// <summary>OpenMeter said that it took it.</summary>
    Accepted,

    /// <summary>It said so twice, and does not show it.</summary>
    Missing,
}

/// <summary>An event that OpenMeter does not show yet. The first part is the ledger's; the second is of the process that works on it.</summary>
internal sealed class UnsettledEvent(ulong sequence, DateTimeOffset since)
{
    public ulong Sequence => sequence;

    public UnsettledPhase Phase { get; private set; }

    /// <summary>Since when it is in this phase.</summary>
    public DateTimeOffset Since { get; private set; } = since;

    /// <summary>It was missed once, and sent again.</summary>
    public bool SentAgain { get; set; }

    /// <summary>The new id that an operator gave it.</summary>
    public string? ReissuedAs { get; set; }

    /// <summary>The id that OpenMeter knows it by; null until it was looked up.</summary>
    public string? Id { get; set; }

    /// <summary>The exporter has it in hand.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Since when nobody can be sending it, as a timestamp of this process, which no clock that is set changes; 0 when that was before.</summary>
    public long QuietSince { get; private set; }

    /// <summary>OpenMeter was asked and does not have it: it goes out again, for this reason.</summary>
    public string? SendAgain { get; set; }

    /// <summary>When OpenMeter was asked for it last, as such a timestamp too; null when not since it is in this phase.</summary>
    public long? LookedAt { get; set; }

    public void Become(UnsettledPhase phase, DateTimeOffset at)
    {
        Phase = phase;
        Since = at;
        LookedAt = null;
        SendAgain = null;
    }

    /// <summary>From here on nobody is sending it.</summary>
    public void LetGo(long timestamp)
    {
        IsHeld = false;
        QuietSince = timestamp;
    }

    /// <summary>Neighbours that are alike, as one.</summary>
    public static IReadOnlyList<UnsettledRange> Ranges(IEnumerable<UnsettledEvent> events)
    {
        var ranges = new List<UnsettledRange>();
        foreach (var each in events)
        {
            var one = new UnsettledRange(each.Sequence, each.Sequence, StateOf(each.Phase), each.SentAgain, each.ReissuedAs);
            if (ranges.Count > 0 && ranges[^1].To + 1 == each.Sequence && one.Id is null && ranges[^1] with { From = each.Sequence, To = each.Sequence } == one)
            {
                ranges[^1] = ranges[^1] with { To = each.Sequence };
            }
            else
            {
                ranges.Add(one);
            }
        }

        return ranges;
    }

    public static IEnumerable<UnsettledEvent> From(IEnumerable<UnsettledRange> ranges, DateTimeOffset at) => ranges.SelectMany(
        range => SequenceRange.All([new SequenceRange(range.From, range.To)]),
        (range, sequence) => new UnsettledEvent(sequence, at) { Phase = PhaseOf(range.State), SentAgain = range.SentAgain, ReissuedAs = range.Id, Id = range.Id });

    private static string StateOf(UnsettledPhase phase) => phase switch
    {
        UnsettledPhase.Sending => "sending",
        UnsettledPhase.Accepted => "accepted",
        UnsettledPhase.Missing => "missing",
        _ => throw new ArgumentOutOfRangeException(nameof(phase)),
    };

    private static UnsettledPhase PhaseOf(string state) => state switch
    {
        "sending" => UnsettledPhase.Sending,
        "accepted" => UnsettledPhase.Accepted,
        "missing" => UnsettledPhase.Missing,
        _ => throw new LedgerBrokenException($"a snapshot has an event in the state {state}"),
    };
}
