using Kgents.Contracts;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Lease;
using Kgents.Metering.Ledger;
using Kgents.Metering.Telemetry;
using Kgents.ServiceDefaults.Ledger;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Export;

/// <summary>
/// Sends batches to OpenMeter and enters into the ledger what became of them. An event is settled neither here nor by an answer: only when
/// OpenMeter shows it (<see cref="Confirm.UsageConfirmer"/>).
/// </summary>
internal sealed partial class UsageExporter(
    UsageLedger ledger,
    PartitionLease lease,
    ExportQueue queue,
    OpenMeterClient openMeter,
    UsageDeadLetters letters,
    MeteringHealth health,
    MeteringMetrics metrics,
    IOptions<ExportOptions> options,
    TimeProvider time,
    ILogger logger)
{
    private const string Refusing = "openmeter";

    private readonly Stack<ExportBatch> work = new();
    private readonly RetryPause pause = new(options.Value, time);
    private int size = options.Value.BatchSize;
    private string? parkedFor;

    /// <summary>Does one thing: takes a batch, or sends one. False when there is nothing to do, or it is not time yet.</summary>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        if (!pause.IsOver || IsStopped())
        {
            return false;
        }

        if (!work.TryPeek(out var batch))
        {
            if (await queue.TakeAsync(size, MayTakeNew(), cancellationToken) is not { } taken)
            {
                return false;
            }

            if (taken.Events.Count > 0)
            {
                work.Push(taken);
            }

            return true;
        }

        await HandleAsync(batch, await SendAsync(batch, cancellationToken), cancellationToken);
        return true;
    }

    private async Task<SendOutcome> SendAsync(ExportBatch batch, CancellationToken cancellationToken)
    {
        // A process that was frozen with a batch in hand comes to here before anybody tells it that its lease is over.
        if (!lease.IsHeld)
        {
            throw new LedgerFenceLostException(ledger.Partition);
        }

        using var span = ExportSpans.Start(batch);
        var outcome = await openMeter.SendAsync(batch.Events.Select(each => each.Payload), cancellationToken);
        ExportSpans.End(span, outcome);
        return outcome;
    }

    /// <summary>While OpenMeter fails, what is unsure already goes first: else every try would make another batch unsure.</summary>
    private bool MayTakeNew() => !openMeter.IsPaused || ledger.State.Unsettled.Values.All(each => each.Phase != UnsettledPhase.Sending);

    private bool IsStopped()
    {
        var stopped = ledger.State.Refused.Count >= options.Value.MaxRefused;
        health.Report("dead letters", ledger.Partition, stopped ? $"{ledger.State.Refused.Count} usage events were refused and nothing more is sent: see `dead-letters list`, and Metering:Export:MaxRefused" : null);
        return stopped;
    }

    private async Task HandleAsync(ExportBatch batch, SendOutcome outcome, CancellationToken cancellationToken)
    {
        switch (outcome.Result)
        {
            case SendResult.Taken:
                await AcceptAsync(batch, cancellationToken);
                break;
            case SendResult.NotTaken:
                Wait(batch, outcome, "not taken, and go again");
                break;
            case SendResult.Unknown:
                // A crash here is the same: an event that is sending, and nobody knows more.
                work.Pop();
                Release(batch);
                Wait(batch, outcome, "perhaps taken; it is asked before they go again");
                break;
            case SendResult.Misconfigured:
                await ParkAsync(batch, outcome, cancellationToken);
                break;
            case SendResult.Invalid when outcome.BadIndex is { } index && index < batch.Events.Count:
                await RefuseAsync(batch, index, outcome, cancellationToken);
                break;
            case SendResult.Invalid or SendResult.TooLarge when batch.Events.Count > 1:
                Halve(batch, outcome);
                break;
            case SendResult.Invalid or SendResult.TooLarge:
                await JudgeAsync(batch, outcome, cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"No answer to {outcome.Result}.");
        }
    }

    private async Task AcceptAsync(ExportBatch batch, CancellationToken cancellationToken)
    {
        await ledger.AppendAsync(new UsageAccepted(batch.Ranges), cancellationToken);
        work.Pop();
        Release(batch);
        metrics.Accepted(batch.Events.Count);
        LogAccepted(batch.Events.Count);
        pause.Reset();
        size = Math.Min(options.Value.BatchSize, size + 1);
        parkedFor = null;
        health.Report(Refusing, ledger.Partition, null);
    }

    private void Wait(ExportBatch batch, SendOutcome outcome, string what)
    {
        var delay = pause.Begin(outcome.RetryAfter, openMeter.IsPaused ? openMeter.BreakDuration : TimeSpan.Zero);
        metrics.Retry(batch.Events.Count, outcome.Cause);
        health.Report(Refusing, ledger.Partition, $"OpenMeter does not take usage: {outcome.Cause} {outcome.Detail}".TrimEnd());
        LogNotTaken(batch.Events.Count, outcome.Cause, outcome.Detail, what, delay);
    }

    /// <summary>No event is at fault, so none becomes a dead letter, and nothing goes out until somebody mends the configuration. It is tried again now and then.</summary>
    private async Task ParkAsync(ExportBatch batch, SendOutcome outcome, CancellationToken cancellationToken)
    {
        var setting = outcome.Cause is "401" or "403" ? "its Key" : "its Endpoint, and what stands before it";
        var reason = $"{outcome.Cause} {outcome.Detail}".TrimEnd();
        if (parkedFor != reason)
        {
            await ledger.AppendAsync(new UsageParked(batch.Ranges, reason), cancellationToken);
            LogParked(reason, setting);
            parkedFor = reason;
        }

        pause.Begin(outcome.RetryAfter ?? options.Value.LongestRetryDelay, TimeSpan.Zero);
        metrics.Retry(batch.Events.Count, "parked");
        health.Report(Refusing, ledger.Partition, $"all usage is parked: OpenMeter answers {reason}. Look at ConnectionStrings:openmeter, {setting}");
    }

    private void Halve(ExportBatch batch, SendOutcome outcome)
    {
        if (outcome.Result == SendResult.TooLarge)
        {
            size = Math.Max(1, batch.Events.Count / 2);
        }

        var (first, second) = batch.Halve();
        work.Pop();
        work.Push(second);
        work.Push(first);
        metrics.Retry(batch.Events.Count, outcome.Cause);
        LogHalved(batch.Events.Count, outcome.Cause, outcome.Detail);
    }

    /// <summary>
    /// An event alone is refused, and OpenMeter does not say that it is the event's fault. If it refuses a good event too, it is not. If it takes
    /// that one, it may have been mended in between: at fault is what it refuses before and after.
    /// </summary>
    private async Task JudgeAsync(ExportBatch batch, SendOutcome outcome, CancellationToken cancellationToken)
    {
        var witness = await openMeter.SendAsync([ProbeEvent.New(time)], cancellationToken);
        switch (witness.Result)
        {
            case SendResult.Taken:
                metrics.Retry(batch.Events.Count, outcome.Cause);
                await JudgeAgainAsync(batch, await SendAsync(batch, cancellationToken), cancellationToken);
                break;
            case SendResult.Invalid or SendResult.TooLarge:
                await ParkAsync(batch, outcome, cancellationToken);
                break;
            default:
                Wait(batch, witness, "refused, and whether that is their fault is not known");
                break;
        }
    }

    private Task JudgeAgainAsync(ExportBatch batch, SendOutcome outcome, CancellationToken cancellationToken) =>
        outcome.Result is SendResult.Invalid or SendResult.TooLarge
            ? RefuseAsync(batch, 0, outcome, cancellationToken)
            : HandleAsync(batch, outcome, cancellationToken);

    private async Task RefuseAsync(ExportBatch batch, int index, SendOutcome outcome, CancellationToken cancellationToken)
    {
        var bad = batch.Events[index];
        var reason = $"OpenMeter refused it: {outcome.Cause} {outcome.Detail}".TrimEnd();
        if (!Subjects.TryParseUsage(bad.Subject, out _, out var tenant))
        {
            throw new LedgerBrokenException($"usage event {bad.Sequence} has the subject {bad.Subject}");
        }

        // The letter first: an event that is refused in the ledger always has one. One more, because the process died here, is the same letter again.
        await letters.KeepAsync(tenant, bad.Sequence, bad.Subject, bad.Payload, reason, cancellationToken);
        await ledger.AppendAsync(new UsageRefused(bad.Sequence, reason), cancellationToken);
        work.Pop();
        metrics.DeadLetter(1, "refused");
        LogRefused(bad.Sequence, reason);
        if (batch.Events.Count > 1)
        {
            work.Push(batch.Without(index));
        }
    }

    private void Release(ExportBatch batch)
    {
        foreach (var each in batch.Events)
        {
            if (ledger.State.Unsettled.TryGetValue(each.Sequence, out var unsettled))
            {
                unsettled.LetGo(time.GetTimestamp());
            }
        }
    }

    [LoggerMessage(LogLevel.Debug, "OpenMeter accepted {Count} usage events.")]
    private partial void LogAccepted(int count);

    [LoggerMessage(LogLevel.Warning, "OpenMeter did not take {Count} usage events ({Cause} {Detail}): {What}, in {Pause}.")]
    private partial void LogNotTaken(int count, string cause, string detail, string what, TimeSpan pause);

    [LoggerMessage(LogLevel.Critical, "All usage is parked: OpenMeter answers {Reason}. Look at ConnectionStrings:openmeter: {Setting}.")]
    private partial void LogParked(string reason, string setting);

    [LoggerMessage(LogLevel.Information, "OpenMeter refused {Count} usage events together ({Cause} {Detail}): each half goes alone.")]
    private partial void LogHalved(int count, string cause, string detail);

    [LoggerMessage(LogLevel.Error, "Usage event {Sequence} of KGENTS_USAGE is a dead letter. {Reason}. See `dead-letters`.")]
    private partial void LogRefused(ulong sequence, string reason);
}
