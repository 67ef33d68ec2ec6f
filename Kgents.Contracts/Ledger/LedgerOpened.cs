namespace Kgents.Contracts;

/// <summary>The ledger begins, or begins anew, at an event. What became of events before this is not known.</summary>
/// <param name="From">The first sequence of <c>KGENTS_USAGE</c> that it covers.</param>
/// <param name="UnsureThrough">Up to here somebody may have sent events already: each is looked up in OpenMeter before it is sent.</param>
public sealed record LedgerOpened(ulong From, ulong UnsureThrough, string Reason) : LedgerEntry;
