using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.Corrections;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Operations;

/// <summary>
/// What an operator asks over HTTP, done as the commands do it: on the ledger of the event's partition, beside the replica that works on it, which the fence keeps apart. A decision that loses the fence is made
/// again on the ledger as it is then.
/// </summary>
internal sealed class UsageOperations(MeteringSessions sessions, UsageDeadLetters letters, JetStreamReader reader, FencedPublisher publisher)
{
    private const int Tries = 10;
    private const int LongestReason = 200;

    /// <summary>Letters in one answer, which is one message: their reasons hold what OpenMeter said.</summary>
    private const int MostListed = 100;

    /// <summary>Bytes of an event in one answer: in JSON one may become six, and an answer is one message. The command shows all.</summary>
    private const int MostShown = 64 * 1024;

    public async Task<UsageAnswer> RunAsync(UsageOperation asked, CancellationToken cancellationToken)
    {
        if (asked.Kind == UsageOperationKinds.List)
        {
            return await ListAsync(asked, cancellationToken);
        }

        if (asked.Kind != UsageOperationKinds.Inspect && (string.IsNullOrWhiteSpace(asked.Reason) || asked.Reason.Length > LongestReason))
        {
            return new UsageAnswer(UsageAnswerOutcomes.Refused, $"the reason must be 1 to {LongestReason} characters and not blank");
        }

        if (await FindPartitionAsync(asked.Sequence, cancellationToken) is not { } partition)
        {
            return new UsageAnswer(UsageAnswerOutcomes.NotFound);
        }

        for (var tries = 0; tries < Tries; tries++)
        {
            var ledger = sessions.OpenLedger(partition);
            await ledger.LoadAsync(cancellationToken);
            try
            {
                return await DecideAsync(asked, ledger, cancellationToken);
            }
            catch (LedgerFenceLostException)
            {
                // A replica wrote: its entry may be about this event.
            }
        }

        return new UsageAnswer(UsageAnswerOutcomes.Busy);
    }

    private async Task<UsageAnswer> DecideAsync(UsageOperation asked, UsageLedger ledger, CancellationToken cancellationToken)
    {
        var desk = new DeadLetterDesk(ledger, letters, reader);
        if (asked.Kind == UsageOperationKinds.Correct)
        {
            return await CorrectAsync(asked, new UsageCorrector(ledger, reader, publisher), cancellationToken);
        }

        if (await desk.FindAsync(asked.Sequence, MostShown, cancellationToken) is not { } letter)
        {
            return new UsageAnswer(UsageAnswerOutcomes.NotFound);
        }

        return asked.Kind switch
        {
            UsageOperationKinds.Inspect => new UsageAnswer(UsageAnswerOutcomes.Done) { DeadLetters = [letter] },
            UsageOperationKinds.Replay => Answer(await desk.ReplayAsync(asked.Sequence, asked.Reason!, cancellationToken)),
            UsageOperationKinds.Discard => Answer(await desk.DiscardAsync(asked.Sequence, asked.Reason!, cancellationToken)),
            _ => new UsageAnswer(UsageAnswerOutcomes.Refused, "this version does not know the operation"),
        };
    }

    private async Task<UsageAnswer> ListAsync(UsageOperation asked, CancellationToken cancellationToken)
    {
        var states = new List<LedgerState>();
        foreach (var partition in await PartitionsAsync(cancellationToken))
        {
            var ledger = sessions.OpenLedger(partition);
            await ledger.LoadAsync(cancellationToken);
            states.Add(ledger.State);
        }

        var limit = Math.Clamp(asked.Limit ?? MostListed, 1, MostListed);
        var found = await new DeadLetterListing(letters).ReadAsync(states, asked.Sequence > 0 ? asked.Sequence : ulong.MaxValue, cancellationToken).Take(limit + 1).ToListAsync(cancellationToken);
        return new UsageAnswer(UsageAnswerOutcomes.Done) { DeadLetters = [.. found.Take(limit).Select(each => each.Letter)], Next = found.Count > limit ? found[limit - 1].Position : null };
    }

    private static async Task<UsageAnswer> CorrectAsync(UsageOperation asked, UsageCorrector corrector, CancellationToken cancellationToken)
    {
        Dictionary<string, decimal>? quantities = null;
        foreach (var (field, text) in asked.Quantities ?? new Dictionary<string, string>())
        {
            if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var quantity))
            {
                return new UsageAnswer(UsageAnswerOutcomes.Refused, $"{field} is not a decimal number");
            }

            (quantities ??= [])[field] = quantity;
        }

        return await corrector.CorrectAsync(new CorrectionRequest(asked.Sequence, asked.Reference ?? "", asked.Reason!, quantities), cancellationToken) switch
        {
            CorrectionOutcome.Recorded done => new UsageAnswer(UsageAnswerOutcomes.Done) { Sequence = done.Sequence, Id = done.Id, IsNew = done.IsNew },
            CorrectionOutcome.Refused refused => new UsageAnswer(UsageAnswerOutcomes.Refused, refused.Why),
            var outcome => throw new InvalidOperationException($"{outcome} is no outcome of a correction."),
        };
    }

    private static UsageAnswer Answer(string? refusal) => refusal is null ? new UsageAnswer(UsageAnswerOutcomes.Done) : new UsageAnswer(UsageAnswerOutcomes.Refused, refusal);

    private async Task<int?> FindPartitionAsync(ulong sequence, CancellationToken cancellationToken) =>
        sequence > 0 && await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, sequence, cancellationToken) is { } stored && stored.Sequence == sequence && Subjects.TryParseUsage(stored.Subject, out var partition, out _)
            ? partition : null;

    private async Task<IReadOnlyCollection<int>> PartitionsAsync(CancellationToken cancellationToken)
    {
        var partitions = new SortedSet<int>();
        await foreach (var stored in reader.LastOfEachAsync(Streams.Ledger.Name, [Subjects.AllLedgers], cancellationToken))
        {
            if (Subjects.TryParseLedger(stored.Subject, out var partition))
            {
                partitions.Add(partition);
            }
        }

        return partitions;
    }
}
