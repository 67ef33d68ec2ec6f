using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Metering.Ledger;

/// <summary>
/// What the entries of a ledger add up to. It changes by <see cref="Apply"/> alone, so that who reads the ledger knows what its writer knew. Its
/// size is that of what is not settled, of the hours that have events and of what operators decided, not of what was ever received.
/// </summary>
internal sealed class LedgerState
{
    private readonly UnsettledEvents unsettled;
    private readonly SortedSet<ulong> refused = [];
    private readonly SortedSet<ulong> quarantined = [];
    private readonly Dictionary<string, LedgerHour> hours = [];

    public LedgerState() => unsettled = new UnsettledEvents(Decisions);

    public bool IsOpen => Number > 0;

    /// <summary>Of the last entry; the next one has one more.</summary>
    public long Number { get; private set; }

    public string Hash { get; private set; } = "";

    /// <summary>Of the last entry, in the ledger's stream: the fence of the next one.</summary>
    public ulong LastSequence { get; private set; }

    /// <summary>Where to begin to read: the last <c>opened</c> or <c>snapshot</c>.</summary>
    public ulong Base { get; private set; }

    public long SinceBase { get; private set; }

    public ulong ReceivedThrough { get; private set; }

    public ulong SentThrough { get; private set; }

    public ulong ReadFrom { get; private set; }

    public ulong UnsureThrough { get; private set; }

    /// <summary>Events that count and were never sent.</summary>
    public long Waiting { get; private set; }

    public LedgerCounts Counts { get; private set; } = new(0, 0, 0, 0, 0, 0, 0);

    /// <summary>Events that were sent, or wait to be sent again, by sequence.</summary>
    public IReadOnlyDictionary<ulong, UnsettledEvent> Unsettled => unsettled.All;

    public IReadOnlySet<ulong> Refused => refused;

    public IReadOnlySet<ulong> Quarantined => quarantined;

    public IReadOnlyDictionary<string, LedgerHour> Hours => hours;

    /// <summary>What was given up before it was begun anew, and the ids that were given at any time.</summary>
    public UsageDecisions Decisions { get; } = new();

    public int Missing => Unsettled.Values.Count(each => each.Phase == UnsettledPhase.Missing);

    /// <summary>The oldest event that is not settled; null when all are.</summary>
    public ulong? OldestUnsettled => Unsettled.Count > 0 ? Unsettled.First().Key : Waiting > 0 ? SentThrough + 1 : null;

    public void Apply(LedgerEntry entry, ulong sequence, string hash)
    {
        Number = entry.Number;
        Hash = hash;
        LastSequence = sequence;
        SinceBase++;
        Decisions.ApplyKept(entry);
        switch (entry)
        {
            case LedgerOpened opened:
                Open(opened, sequence);
                break;
            case UsageReceived received:
                Receive(received, sequence);
                break;
            case UsageSending sending:
                Send(sending);
                break;
            case UsageAccepted accepted:
                Counts = Counts with { Accepted = Counts.Accepted + unsettled.ForEach(accepted.Events, each => each.Become(UnsettledPhase.Accepted, entry.At)) };
                break;
            case UsageConfirmed confirmed:
                Confirm(confirmed);
                break;
            case UsageMissing missing:
                unsettled.ForEach(missing.Events, each => each.Become(UnsettledPhase.Missing, entry.At));
                break;
            case UsageRefused one:
                unsettled.Remove(one.Sequence, out _);
                refused.Add(one.Sequence);
                break;
            case UsageReplayed one:
                refused.Remove(one.Sequence);
                unsettled.Begin(one.Sequence, entry.At);
                break;
            case UsageDiscarded one:
                if (refused.Remove(one.Sequence) || quarantined.Remove(one.Sequence))
                {
                    Counts = Counts with { Discarded = Counts.Discarded + 1 };
                }

                break;
            case UsageReissued one:
                unsettled.Begin(one.Sequence, entry.At);
                break;
            case UsageReopened one:
                Reopen(one);
                break;
            case LedgerSnapshot snapshot:
                Restore(snapshot, sequence);
                break;
            case UsageParked:
                // It changes nothing: what waits, waits.
                break;
            default:
                throw new InvalidOperationException($"The ledger has an entry of a kind that this version does not know: {entry.GetType().Name}.");
        }
    }

    public LedgerSnapshot Snapshot() => new(
        ReceivedThrough, SentThrough, ReadFrom, UnsureThrough, Waiting, Counts,
        UnsettledEvent.Ranges(Unsettled.Values), SequenceRange.Of(refused), SequenceRange.Of(quarantined), [.. hours.Values.OrderBy(hour => hour.Hour, StringComparer.Ordinal)])
    {
        Discarded = Decisions.DiscardedRanges,
        Reissued = Decisions.ReissuedEvents,
    };

    private void Open(LedgerOpened opened, ulong sequence)
    {
        Clear(sequence);
        unsettled.Clear();
        ReceivedThrough = opened.From - 1;
        SentThrough = opened.From - 1;
        ReadFrom = sequence;
        UnsureThrough = opened.UnsureThrough;
        Waiting = 0;
        Counts = new LedgerCounts(0, 0, 0, 0, 0, 0, 0);
    }

    private void Receive(UsageReceived received, ulong sequence)
    {
        if (received.From != ReceivedThrough + 1)
        {
            throw new LedgerBrokenException($"entry {received.Number} begins at {received.From}, and the range before it ended at {ReceivedThrough}");
        }

        ReceivedThrough = received.To;
        var counted = 0;
        foreach (var each in received.Events)
        {
            if (each.State == ReceivedEvent.Quarantined && !Decisions.Discarded.Contains(each.Sequence))
            {
                quarantined.Add(each.Sequence);
            }

            if (each.Counts)
            {
                counted++;
                hours[each.Hour] = hours.TryGetValue(each.Hour, out var known) ? known with { Last = sequence } : new LedgerHour(each.Hour, sequence, sequence);
            }
        }

        if (Waiting == 0 && counted > 0)
        {
            ReadFrom = sequence;
        }

        Waiting += counted;
        Counts = Counts with
        {
            Counted = Counts.Counted + counted,
            Duplicates = Counts.Duplicates + received.Events.Count(each => each.State == ReceivedEvent.Duplicate),
            Quarantined = Counts.Quarantined + received.Events.Count(each => each.State == ReceivedEvent.Quarantined),
            Discarded = Counts.Discarded + received.Events.Count(each => each.State == ReceivedEvent.Quarantined && Decisions.Discarded.Contains(each.Sequence)),
        };
    }

    private void Send(UsageSending sending)
    {
        foreach (var sequence in SequenceRange.All(sending.Events))
        {
            if (sequence > SentThrough)
            {
                Waiting--;
                SentThrough = sequence;
                ReadFrom = sending.ReadTo;
                if (Decisions.Discarded.Contains(sequence))
                {
                    // It was given up before the ledger was begun anew.
                    Counts = Counts with { Discarded = Counts.Discarded + 1 };
                    continue;
                }
            }

            var each = unsettled.GetOrBegin(sequence, sending.At);
            each.Become(UnsettledPhase.Sending, sending.At);
            each.SentAgain |= sending.Again == UsageSending.Missed;
        }
    }

    private void Confirm(UsageConfirmed confirmed)
    {
        foreach (var sequence in SequenceRange.All(confirmed.Events))
        {
            if (unsettled.Remove(sequence, out var each))
            {
                Counts = Counts with { Confirmed = Counts.Confirmed + 1, Accepted = Counts.Accepted + (each.Phase == UnsettledPhase.Sending ? 1 : 0) };
            }
        }

        Counts = Counts with { Doubled = Counts.Doubled + SequenceRange.All(confirmed.Doubled ?? []).Count() };
    }

    private void Reopen(UsageReopened reopened)
    {
        unsettled.Begin(reopened.Sequence, reopened.At).Become(UnsettledPhase.Accepted, reopened.At);
        Counts = Counts with { Confirmed = Counts.Confirmed - 1 };
    }

    private void Restore(LedgerSnapshot snapshot, ulong sequence)
    {
        Clear(sequence);
        ReceivedThrough = snapshot.ReceivedThrough;
        SentThrough = snapshot.SentThrough;
        ReadFrom = snapshot.ReadFrom;
        UnsureThrough = snapshot.UnsureThrough;
        Waiting = snapshot.Waiting;
        Counts = snapshot.Counts;
        unsettled.Restore(snapshot.Unsettled, snapshot.At);
        refused.UnionWith(SequenceRange.All(snapshot.Refused));
        quarantined.UnionWith(SequenceRange.All(snapshot.Quarantined));
        foreach (var hour in snapshot.Hours)
        {
            hours[hour.Hour] = hour;
        }
    }

    private void Clear(ulong sequence)
    {
        Base = sequence;
        SinceBase = 0;
        refused.Clear();
        quarantined.Clear();
        hours.Clear();
    }
}
