namespace Kgents.Metering.Corrections;

/// <summary>What somebody wants taken back of an event.</summary>
/// <param name="Sequence">Of the event in KGENTS_USAGE.</param>
/// <param name="Reference">The operator's own name for it: the same one again is the same correction.</param>
/// <param name="Quantities">How much of each, as positive numbers; null for all that is left.</param>
internal sealed record CorrectionRequest(ulong Sequence, string Reference, string Reason, IReadOnlyDictionary<string, decimal>? Quantities);

/// <summary>What became of it. The hierarchy is closed.</summary>
internal abstract record CorrectionOutcome
{
    private CorrectionOutcome()
    {
    }

    /// <summary>It is recorded; the ledger enters it as every other usage.</summary>
    /// <param name="IsNew">False when it was recorded before, under the same reference.</param>
    public sealed record Recorded(ulong Sequence, string Id, bool IsNew) : CorrectionOutcome;

    /// <param name="Why">For an operator.</param>
    public sealed record Refused(string Why) : CorrectionOutcome;
}
