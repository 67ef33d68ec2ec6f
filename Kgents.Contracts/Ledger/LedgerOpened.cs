namespace Kgents.Contracts;

/// <summary>The ledger begins, or begins anew, at an event. What became of events before this is not known, but for what operators decided.</summary>
/// <param name="From">The first sequence of <c>KGENTS_USAGE</c> that it covers.</param>
/// <param name="UnsureThrough">Up to here somebody may have sent events already: each is looked up in OpenMeter before it is sent.</param>
public sealed record LedgerOpened(ulong From, ulong UnsureThrough, string Reason) : LedgerEntry
{
    /// <summary>Events that were given up before: nobody sends them. Null for none.</summary>
    public IReadOnlyList<SequenceRange>? Discarded { get; init; }

    /// <summary>Events that were sent under another id before. Null for none.</summary>
    public IReadOnlyList<ReissuedEvent>? Reissued { get; init; }
}

/// <summary>The id under which an operator had an event sent last.</summary>
public sealed record ReissuedEvent(ulong Sequence, string Id);
