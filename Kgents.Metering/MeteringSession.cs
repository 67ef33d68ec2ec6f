using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Export;
using Kgents.Metering.Ledger;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering;

/// <summary>
/// One replica's work on one partition, for as long as its lease and its fence hold: enter what was recorded, send what was entered, confirm
/// what was sent. One step after the other, so that nothing here is shared between threads; what has to wait says when it may go on.
/// </summary>
internal sealed class MeteringSession(
    UsageLedger ledger,
    UsageReceiver receiver,
    UsageExporter? exporter,
    UsageConfirmer? confirmer,
    DeduplicationProbe? probe,
    DelayedUsage? delays,
    JetStreamReader reader,
    MeteringHealth health,
    MeteringMetrics metrics,
    IOptions<LedgerOptions> options,
    TimeProvider time)
{
    /// <summary>The kind of problem that a ledger is which contradicts itself.</summary>
    public const string Broken = "ledger";

    private static readonly TimeSpan ObservationInterval = TimeSpan.FromSeconds(1);

    private long? observedAt;
    private (ulong Sequence, DateTimeOffset Time)? oldest;

    /// <summary>Ends when it is told to stop, after the step that is under way; throws when it cannot go on.</summary>
    /// <param name="stopping">The process stops: no further step is begun.</param>
    /// <param name="lost">The lease is lost: whatever is under way ends.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken lost)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stopping, lost);
        await ledger.LoadAsync(waiting.Token);
        await receiver.OpenAsync(waiting.Token);
        try
        {
            while (!stopping.IsCancellationRequested)
            {
                // Not cut off by a stop: a request that was sent gets its answer, and the ledger has it.
                if (!await StepAsync(lost))
                {
                    await Task.Delay(options.Value.PollInterval, time, waiting.Token);
                }
            }
        }
        finally
        {
            metrics.Forget(ledger.Partition);
            health.Observe(ledger.Partition, null);
        }
    }

    private async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        var progressed = await receiver.StepAsync(cancellationToken);
        progressed |= exporter is not null && await exporter.StepAsync(cancellationToken);
        progressed |= confirmer is not null && await confirmer.StepAsync(cancellationToken);
        if (probe is not null)
        {
            await probe.StepAsync(cancellationToken);
        }

        if (ledger.State.SinceBase >= options.Value.SnapshotInterval)
        {
            await ledger.AppendAsync(ledger.State.Snapshot(), cancellationToken);
        }

        if (exporter is null || ledger.State.Waiting == 0)
        {
            // It came through all that there was, so whatever was broken is mended.
            health.Report(Broken, ledger.Partition, null);
        }

        await ObserveAsync(cancellationToken);
        return progressed;
    }

    private async Task ObserveAsync(CancellationToken cancellationToken)
    {
        // By what has passed: a clock that is set back keeps nobody from seeing what an operator decides.
        if (observedAt is { } last && time.GetElapsedTime(last) < ObservationInterval)
        {
            return;
        }

        observedAt = time.GetTimestamp();
        await ledger.CheckFenceAsync(cancellationToken);
        var state = ledger.State;
        var (_, recorded) = await reader.RangeAsync(Streams.Usage.Name, cancellationToken);
        var notEntered = recorded > state.ReceivedThrough ? (long)(recorded - state.ReceivedThrough) : 0;
        var first = state.OldestUnsettled ?? (notEntered > 0 ? state.ReceivedThrough + 1 : null);
        if (first != oldest?.Sequence)
        {
            oldest = first is { } sequence && await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, sequence, cancellationToken) is { } stored ? (sequence, stored.Time) : null;
        }

        if (exporter is not null && delays is not null && oldest is { } unsettled)
        {
            await delays.TellAsync(state, ledger.Partition, unsettled, cancellationToken);
        }

        var observation = new LedgerObservation(
            notEntered, state.Waiting + notEntered, state.Unsettled.Count, state.Missing, state.Counts.Doubled + state.Missing + state.Refused.Count, oldest is { } since ? time.GetUtcNow() - since.Time : TimeSpan.Zero);
        metrics.Observe(ledger.Partition, observation);
        health.Observe(ledger.Partition, observation);
    }
}
