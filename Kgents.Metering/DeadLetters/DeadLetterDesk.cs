using System.Text;
using Kgents.Contracts;
using Kgents.Metering.Corrections;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.DeadLetters;

/// <summary>What there is of dead letters of usage in one partition, and what may be decided on them, whoever asks and however.</summary>
internal sealed class DeadLetterDesk(UsageLedger ledger, UsageDeadLetters letters, JetStreamReader reader)
{
    public const string Decided = "decided";

    /// <summary>Those that wait for a decision, the latest first.</summary>
    public IAsyncEnumerable<UndeliveredUsage> ListAsync(CancellationToken cancellationToken) =>
        new DeadLetterListing(letters).ReadAsync([ledger.State], ulong.MaxValue, cancellationToken).Select(each => each.Letter);

    /// <summary>Null when there is none of this event.</summary>
    /// <param name="mostBytes">How much of the event is given.</param>
    public async Task<UndeliveredUsage?> FindAsync(ulong sequence, int mostBytes, CancellationToken cancellationToken) =>
        await letters.FindAsync([sequence], cancellationToken) is { } letter
            ? DeadLetterListing.Describe(letter, StateOf(sequence) ?? Decided) with { Payload = Encoding.UTF8.GetString(letter.Payload.Span[..Math.Min(letter.Payload.Length, mostBytes)]) } : null;

    /// <summary>Null when it is done; otherwise why not.</summary>
    /// <exception cref="LedgerFenceLostException">A replica wrote to the ledger at the same time; nothing was done.</exception>
    public async Task<string?> ReplayAsync(ulong sequence, string reason, CancellationToken cancellationToken)
    {
        if (!ledger.State.Refused.Contains(sequence))
        {
            return ledger.State.Quarantined.Contains(sequence) ? $"{sequence} is quarantined: it is not an event that can be billed, now or later" : $"{sequence} is not refused";
        }

        await ledger.AppendAsync(new UsageReplayed(sequence, reason), cancellationToken);
        return null;
    }

    /// <summary>Null when it is done; otherwise why not.</summary>
    /// <exception cref="LedgerFenceLostException">A replica wrote to the ledger at the same time; nothing was done.</exception>
    public async Task<string?> DiscardAsync(ulong sequence, string reason, CancellationToken cancellationToken)
    {
        if (StateOf(sequence) is null)
        {
            return $"{sequence} is neither refused nor quarantined";
        }

        // OpenMeter showed it once, or nothing would have been taken back of it: so it is not the event that is wrong.
        if (await new CorrectedUsage(ledger, reader).IsCorrectedAsync(sequence, cancellationToken))
        {
            return $"something was taken back of {sequence}, which would be credited a second time: replay it when OpenMeter takes it again";
        }

        await ledger.AppendAsync(new UsageDiscarded(sequence, reason), cancellationToken);
        return null;
    }

    private string? StateOf(ulong sequence) => ledger.State.Refused.Contains(sequence) ? DeadLetterListing.Refused : ledger.State.Quarantined.Contains(sequence) ? DeadLetterListing.Quarantined : null;
}
