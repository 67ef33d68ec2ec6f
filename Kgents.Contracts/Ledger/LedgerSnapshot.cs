namespace Kgents.Contracts;

/// <summary>All that the entries before it add up to, so that nobody has to read them for it.</summary>
/// <param name="ReceivedThrough">The end of the last range.</param>
/// <param name="SentThrough">The last event that was ever sent; those after it wait.</param>
/// <param name="ReadFrom">Sequence in the ledger of the <c>received</c> entry from which the next events are taken.</param>
/// <param name="Waiting">Events that count, and were not sent yet.</param>
public sealed record LedgerSnapshot(
    ulong ReceivedThrough,
    ulong SentThrough,
    ulong ReadFrom,
    ulong UnsureThrough,
    long Waiting,
    LedgerCounts Counts,
    IReadOnlyList<UnsettledRange> Unsettled,
    IReadOnlyList<SequenceRange> Refused,
    IReadOnlyList<SequenceRange> Quarantined,
    IReadOnlyList<LedgerHour> Hours) : LedgerEntry
{
    /// <summary>Events that were given up before the ledger was opened. Null for none.</summary>
    public IReadOnlyList<SequenceRange>? Discarded { get; init; }

    /// <summary>Events that were sent under another id. Null for none.</summary>
    public IReadOnlyList<ReissuedEvent>? Reissued { get; init; }
}

/// <summary>How many events there were of each kind since the ledger was opened.</summary>
public sealed record LedgerCounts(long Counted, long Duplicates, long Quarantined, long Accepted, long Confirmed, long Doubled, long Discarded);

/// <summary>Events that were sent, or are to be sent again, and are not confirmed.</summary>
/// <param name="State"><c>sending</c>, <c>accepted</c> or <c>missing</c>.</param>
/// <param name="SentAgain">They were missed once already.</param>
/// <param name="Id">The id under which an operator had the one event sent again.</param>
public sealed record UnsettledRange(ulong From, ulong To, string State, bool SentAgain, string? Id);

/// <summary>Where in the ledger the events of an hour are: between these two sequences.</summary>
public sealed record LedgerHour(string Hour, ulong First, ulong Last);
