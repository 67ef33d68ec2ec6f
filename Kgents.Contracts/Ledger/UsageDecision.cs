namespace Kgents.Contracts;

/// <summary>An operator has a refused event sent once more.</summary>
public sealed record UsageReplayed(ulong Sequence, string Reason) : LedgerEntry;

/// <summary>An operator gives a refused or quarantined event up.</summary>
public sealed record UsageDiscarded(ulong Sequence, string Reason) : LedgerEntry;

/// <summary>An operator has a missing event sent under a new id, because OpenMeter does not count the old one.</summary>
public sealed record UsageReissued(ulong Sequence, string Id, string Reason) : LedgerEntry;

/// <summary>OpenMeter showed an event, and shows it no more: it is looked for again, and sent again under its id if it stays away.</summary>
/// <param name="Id">The id under which an operator had it sent; null for its own.</param>
public sealed record UsageReopened(ulong Sequence, string? Id, string Reason) : LedgerEntry;
