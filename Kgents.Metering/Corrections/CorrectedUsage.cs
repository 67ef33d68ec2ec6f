using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Corrections;

/// <summary>
/// What may still become of an event and of its corrections, by the ledger. Of two rules one keeps a tenant from being credited for what it was never billed: only what OpenMeter has shown is corrected, and
/// what was corrected is not given up.
/// </summary>
internal sealed class CorrectedUsage(UsageLedger ledger, JetStreamReader reader)
{
    private readonly CorrectionChain chain = new(reader);

    /// <summary>What is left of an event, by what the ledger has entered, and by what it is about to enter.</summary>
    public async Task<(CorrectionState? State, string? Problem)> ReadAsync(ulong sequence, CancellationToken cancellationToken) =>
        sequence > ledger.State.ReceivedThrough ? (null, $"event {sequence} is not in the ledger")
        : ledger.State.Quarantined.Contains(sequence) ? (null, DeadLetter(sequence))
        : await chain.ReadAsync(sequence, ulong.MaxValue, (stored, usage) => CountsAsync(stored, usage, cancellationToken), cancellationToken);

    /// <summary>Why nothing can be taken back of an event that counts, or not yet; null when it can.</summary>
    public async Task<string?> FindProblemAsync(CorrectionState state, CancellationToken cancellationToken)
    {
        var sequence = state.Original.Sequence;
        return ledger.State.Refused.Contains(sequence) ? DeadLetter(sequence)
            : ledger.State.Unsettled.TryGetValue(sequence, out var unsettled) ? unsettled.Phase == UnsettledPhase.Missing
                ? $"event {sequence} is missing in OpenMeter: it can be corrected when it was reissued and is confirmed"
                : $"event {sequence} was sent, and OpenMeter does not show it yet: it can be corrected when it is confirmed"
            : sequence > ledger.State.SentThrough ? $"event {sequence} was not sent to OpenMeter yet: it can be corrected when it is confirmed"
            : (await new DiscardedEvents([sequence], [state.Usage.Hour]).FindAsync(ledger, cancellationToken)).Count > 0 ? $"event {sequence} was given up: there is nothing to take back"
            : null;
    }

    /// <summary>Why a correction that is recorded takes nothing back of an event, or not now; null when it does, or is on its way.</summary>
    public async Task<string?> FindLossAsync(CorrectionState state, ulong correction, CancellationToken cancellationToken) =>
        ledger.State.Refused.Contains(correction) ? $"the correction of this reference, {correction}, is recorded, and a dead letter: OpenMeter refuses it, so replay it"
        : (await new DiscardedEvents([correction], [state.Usage.Hour]).FindAsync(ledger, cancellationToken)).Count > 0 ? $"the correction of this reference, {correction}, is recorded, and was given up: it takes nothing back in OpenMeter, and no other can take back the same"
        : null;

    /// <summary>Whether something was taken back of an event, or will be.</summary>
    public async Task<bool> IsCorrectedAsync(ulong sequence, CancellationToken cancellationToken)
    {
        var (state, _) = await chain.ReadAllAsync(sequence, ulong.MaxValue, (stored, usage) => CountsAsync(stored, usage, cancellationToken), cancellationToken);
        return state is { Corrections: { Count: > 0 } corrections } && (await new DiscardedEvents([.. corrections.Select(each => each.Sequence)], [state.Usage.Hour]).FindAsync(ledger, cancellationToken)).Count < corrections.Count;
    }

    /// <summary>What the ledger has not entered yet, it will: it was recorded by these rules.</summary>
    public async Task<bool> CountsAsync(StoredEntry stored, InspectedUsage usage, CancellationToken cancellationToken)
    {
        if (stored.Sequence > ledger.State.ReceivedThrough)
        {
            return true;
        }

        if (!ledger.State.Hours.TryGetValue(usage.Hour, out var hour))
        {
            return false;
        }

        await foreach (var (entry, sequence, _) in ledger.ReadAsync(hour.First, hour.Last, cancellationToken))
        {
            if (sequence > hour.Last)
            {
                break;
            }

            if (entry is UsageReceived received && received.From <= stored.Sequence && stored.Sequence <= received.To)
            {
                return received.Events.Any(each => each.Sequence == stored.Sequence && each.Counts);
            }
        }

        return false;
    }

    private static string DeadLetter(ulong sequence) => $"event {sequence} is a dead letter: there is nothing to take back";
}
