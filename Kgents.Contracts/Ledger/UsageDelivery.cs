namespace Kgents.Contracts;

/// <summary>These events are about to be sent. Until a later entry says more, OpenMeter may have them or not.</summary>
/// <param name="ReadTo">Sequence in the ledger of the <c>received</c> entry that has the last of them.</param>
/// <param name="Again">Why this is not their first time: <see cref="Unsure"/> or <see cref="Missed"/>.</param>
public sealed record UsageSending(IReadOnlyList<SequenceRange> Events, ulong ReadTo, string? Again = null) : LedgerEntry
{
    /// <summary>What became of the last send is not known; OpenMeter was asked for them.</summary>
    public const string Unsure = "unsure";

    /// <summary>OpenMeter said that it took them, and does not show them.</summary>
    public const string Missed = "missed";
}

/// <summary>OpenMeter said that it took them, which is not yet a promise to keep them.</summary>
public sealed record UsageAccepted(IReadOnlyList<SequenceRange> Events) : LedgerEntry;

/// <summary>OpenMeter shows them: they are settled.</summary>
/// <param name="Doubled">Those of them that it shows more than once, and counts more than once.</param>
public sealed record UsageConfirmed(IReadOnlyList<SequenceRange> Events, IReadOnlyList<SequenceRange>? Doubled = null) : LedgerEntry;

/// <summary>Nothing goes out: OpenMeter refuses the request itself, for a reason that lies in the configuration. These are the first that wait.</summary>
public sealed record UsageParked(IReadOnlyList<SequenceRange> Events, string Reason) : LedgerEntry;

/// <summary>OpenMeter will never take this event: it is a dead letter.</summary>
public sealed record UsageRefused(ulong Sequence, string Reason) : LedgerEntry;

/// <summary>OpenMeter took them twice and shows them still not. Nobody sends them a third time by itself.</summary>
public sealed record UsageMissing(IReadOnlyList<SequenceRange> Events) : LedgerEntry;
