using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;
using UUIDNext;

namespace Kgents.Metering.Operations;

/// <summary>Shows what needs somebody, and enters what they decide into the ledger. The replica that works on it reads it there.</summary>
internal sealed class LedgerDecisions(UsageLedger ledger, UsageDeadLetters letters, JetStreamReader reader, TextWriter output)
{
    private readonly DeadLetterDesk desk = new(ledger, letters, reader);

    /// <summary>The namespace of the ids of events that are sent under a new one.</summary>
    private static readonly Guid Reissues = new("0b6c7d3e-52b7-4f0a-8f0b-6a6f0f3c9a1d");

    private const int MostMissing = 100;

    /// <summary>False when it could not be done.</summary>
    public Task<bool> RunAsync(MeteringArguments arguments, CancellationToken cancellationToken) => (arguments.Noun, arguments.Verb) switch
    {
        ("ledger", "show") => ShowAsync(),
        ("ledger", "reissue") => ReissueAsync(arguments.Sequence, arguments.Reason!, cancellationToken),
        ("dead-letters", "list") => ListAsync(cancellationToken),
        ("dead-letters", "inspect") => InspectAsync(arguments.Sequence, cancellationToken),
        ("dead-letters", "replay") => ReplayAsync(arguments.Sequence, arguments.Reason!, cancellationToken),
        ("dead-letters", "discard") => DiscardAsync(arguments.Sequence, arguments.Reason!, cancellationToken),
        _ => throw new InvalidOperationException($"{arguments.Noun} {arguments.Verb} is known and not done."),
    };

    private async Task<bool> ShowAsync()
    {
        var state = ledger.State;
        await output.WriteLineAsync($"{state.Number} entries; KGENTS_USAGE is entered through {state.ReceivedThrough}, and sent through {state.SentThrough}");
        await output.WriteLineAsync($"counted {state.Counts.Counted}, duplicates {state.Counts.Duplicates}, quarantined {state.Counts.Quarantined}");
        await output.WriteLineAsync($"waiting {state.Waiting}, unsettled {state.Unsettled.Count}, accepted {state.Counts.Accepted}, confirmed {state.Counts.Confirmed}");
        await output.WriteLineAsync($"missing {state.Missing}, doubled {state.Counts.Doubled}, refused {state.Refused.Count}, discarded {state.Counts.Discarded}");
        foreach (var each in state.Unsettled.Values.Where(each => each.Phase == UnsettledPhase.Missing).Take(MostMissing))
        {
            await output.WriteLineAsync($"  {each.Sequence} is missing since {each.Since:u}");
        }

        return true;
    }

    private async Task<bool> ListAsync(CancellationToken cancellationToken)
    {
        await foreach (var letter in desk.ListAsync(cancellationToken))
        {
            await output.WriteLineAsync($"{letter.Sequence}  {letter.At:u}  {letter.State}  {letter.Tenant}  {letter.Reason}");
        }

        return true;
    }

    private async Task<bool> InspectAsync(ulong sequence, CancellationToken cancellationToken)
    {
        if (await desk.FindAsync(sequence, int.MaxValue, cancellationToken) is not { } letter)
        {
            return await RefuseAsync($"there is no dead letter of {sequence}");
        }

        await output.WriteLineAsync($"{sequence}  {letter.At:u}  {letter.State}  {letter.Tenant}");
        await output.WriteLineAsync(letter.Reason);
        await output.WriteLineAsync(letter.Payload);
        return true;
    }

    private async Task<bool> ReplayAsync(ulong sequence, string reason, CancellationToken cancellationToken) =>
        await SayAsync(await desk.ReplayAsync(sequence, reason, cancellationToken), $"{sequence} is looked up in OpenMeter, and sent again if it is not there.");

    private async Task<bool> DiscardAsync(ulong sequence, string reason, CancellationToken cancellationToken) =>
        await SayAsync(await desk.DiscardAsync(sequence, reason, cancellationToken), $"{sequence} is given up.");

    private Task<bool> ReissueAsync(ulong sequence, string reason, CancellationToken cancellationToken)
    {
        if (!ledger.State.Unsettled.TryGetValue(sequence, out var each) || each.Phase != UnsettledPhase.Missing)
        {
            return RefuseAsync($"{sequence} is not missing");
        }

        var decisions = ledger.State.Decisions;
        if (decisions.Count >= UsageDecisions.Most && decisions.IdOf(sequence) is null)
        {
            return RefuseAsync($"{decisions.Count} decisions of operators are kept already, and a ledger keeps at most {UsageDecisions.Most}");
        }

        // Each time another id: the one before it is known to OpenMeter, which is why it is missing.
        var id = Uuid.NewNameBased(Reissues, string.Create(CultureInfo.InvariantCulture, $"{sequence}|{each.ReissuedAs}")).ToString();
        return EnterAsync(new UsageReissued(sequence, id, reason), $"{sequence} goes out as {id}. If OpenMeter shows the old one after all, it is counted twice.", cancellationToken);
    }

    private async Task<bool> SayAsync(string? refusal, string done)
    {
        if (refusal is not null)
        {
            return await RefuseAsync(refusal);
        }

        await output.WriteLineAsync(done);
        return true;
    }

    private async Task<bool> EnterAsync(LedgerEntry entry, string done, CancellationToken cancellationToken)
    {
        await ledger.AppendAsync(entry, cancellationToken);
        await output.WriteLineAsync(done);
        return true;
    }

    private async Task<bool> RefuseAsync(string why)
    {
        await output.WriteLineAsync($"Nothing was done: {why}.");
        return false;
    }
}
