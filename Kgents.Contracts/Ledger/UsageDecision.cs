namespace Kgents.Contracts;

/// <summary>An operator has a refused event sent once more.</summary>
public sealed record UsageReplayed(ulong Sequence, string Reason) : LedgerEntry;

/// <summary>An operator gives a refused or quarantined event up.</summary>
public sealed record UsageDiscarded(ulong Sequence, string Reason) : LedgerEntry;

/// <summary>An operator has a missing event sent under a new id, because OpenMeter does not count the old one.</summary>
public sealed record UsageReissued(ulong Sequence, string Id, string Reason) : LedgerEntry;
