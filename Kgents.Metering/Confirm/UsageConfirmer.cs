using Kgents.Contracts;
using Kgents.Metering.Export;
using Kgents.Metering.Ledger;
using Kgents.Metering.Telemetry;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Confirm;

/// <summary>
/// Looks for what was sent. OpenMeter's answer to a send is given before its queue has the event, so an event is settled when OpenMeter shows
/// it, and not before; and one whose send had no answer is looked for before it may go again.
/// </summary>
internal sealed partial class UsageConfirmer(
    UsageLedger ledger,
    OpenMeterEvents openMeter,
    UsagePayloads payloads,
    MeteringHealth health,
    MeteringMetrics metrics,
    IOptions<ConfirmOptions> options,
    IOptions<ExportOptions> export,
    TimeProvider time,
    ILogger logger)
{
    private const string Looking = "confirm";
    private const string Lost = "missing";
    private const string Uncounted = "uncounted";

    private readonly long startedAt = time.GetTimestamp();
    private readonly RetryPause pause = new(export.Value, time);

    /// <summary>Asks once for up to a hundred events. False when none is due.</summary>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        health.Report(Lost, ledger.Partition, ledger.State.Missing is > 0 and var missing ? $"OpenMeter took {missing} usage events twice and does not show them: see `ledger show`" : null);
        if (!pause.IsOver)
        {
            return false;
        }

        var timestamp = time.GetTimestamp();
        var due = First(ledger.State.Unsettled.Values.Where(each => !each.IsHeld && each.SendAgain is null && IsDue(each, timestamp)));
        if (due.Count == 0)
        {
            return false;
        }

        await LearnIdsAsync(due, cancellationToken);
        IReadOnlyDictionary<string, ShownEvent> shown;
        try
        {
            shown = await openMeter.FindAsync([.. due.Select(each => each.Id!)], UsageEvent.Sources, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            var delay = pause.Begin(null, TimeSpan.Zero);
            health.Report(Looking, ledger.Partition, $"OpenMeter does not show its events ({exception.Message}): nothing is confirmed");
            LogNotShown(exception.Message, delay);
            return true;
        }

        pause.Reset();
        health.Report(Looking, ledger.Partition, null);
        await ConfirmAsync([.. due.Where(each => shown.ContainsKey(each.Id!))], shown, cancellationToken);
        await MissAsync([.. due.Where(each => !shown.ContainsKey(each.Id!))], timestamp, cancellationToken);
        return true;
    }

    /// <summary>As many as are asked for at once: those that have waited longest, whether they were looked for before or not. So neither keeps the other from being looked for.</summary>
    public static IReadOnlyList<UnsettledEvent> First(IEnumerable<UnsettledEvent> due) =>
        [.. due.OrderBy(each => each.LookedAt ?? each.QuietSince).Take(OpenMeterEvents.Most).OrderBy(each => each.Sequence)];

    /// <summary>By what has passed, and not by the clock on the wall, which may be set back by hours.</summary>
    private bool IsDue(UnsettledEvent each, long timestamp) => (each.Phase, each.LookedAt) switch
    {
        (UnsettledPhase.Accepted, null) => time.GetElapsedTime(each.QuietSince, timestamp) >= options.Value.Interval,
        (_, null) => true,
        (UnsettledPhase.Missing, { } looked) => time.GetElapsedTime(looked, timestamp) >= options.Value.MissingAfter,
        (_, { } looked) => time.GetElapsedTime(looked, timestamp) >= options.Value.Interval,
    };

    private async Task LearnIdsAsync(IReadOnlyList<UnsettledEvent> events, CancellationToken cancellationToken)
    {
        var unknown = events.Where(each => each.Id is null).ToList();
        foreach (var (each, stored) in unknown.Zip(await payloads.ReadAsync([.. unknown.Select(each => each.Sequence)], cancellationToken)))
        {
            each.Id = UsagePayloads.IdOf(stored);
        }
    }

    private async Task ConfirmAsync(IReadOnlyList<UnsettledEvent> found, IReadOnlyDictionary<string, ShownEvent> shown, CancellationToken cancellationToken)
    {
        if (found.Count == 0)
        {
            return;
        }

        var doubled = found.Where(each => shown[each.Id!].Times > 1).Select(each => each.Sequence).ToList();
        await ledger.AppendAsync(
            new UsageConfirmed(SequenceRange.Of(found.Select(each => each.Sequence)), doubled.Count > 0 ? SequenceRange.Of(doubled) : null), cancellationToken);
        metrics.Confirmed(found.Count);
        if (doubled.Count > 0)
        {
            LogDoubled(doubled.Count, doubled[0]);
        }

        if (found.Select(each => shown[each.Id!].ValidationError).FirstOrDefault(error => error is not null) is { } problem)
        {
            health.Report(Uncounted, ledger.Partition, $"OpenMeter shows usage events that it may not count: {problem}");
            LogUncounted(problem);
        }
    }

    private async Task MissAsync(IReadOnlyList<UnsettledEvent> notFound, long timestamp, CancellationToken cancellationToken)
    {
        var missing = new List<ulong>();
        foreach (var each in notFound)
        {
            // Before this nothing goes again, whatever the clock on the wall says.
            var quiet = time.GetElapsedTime(Math.Max(each.QuietSince, startedAt), timestamp);
            each.LookedAt = timestamp;
            if (each.Phase == UnsettledPhase.Sending && quiet >= options.Value.VisibleWithin)
            {
                each.SendAgain = UsageSending.Unsure;
            }
            else if (each.Phase == UnsettledPhase.Accepted && quiet >= options.Value.VisibleWithin && quiet >= options.Value.MissingAfter)
            {
                if (each.SentAgain)
                {
                    missing.Add(each.Sequence);
                }
                else
                {
                    each.SendAgain = UsageSending.Missed;
                }
            }
        }

        if (missing.Count > 0)
        {
            await ledger.AppendAsync(new UsageMissing(SequenceRange.Of(missing)), cancellationToken);
            LogMissing(missing.Count, missing[0]);
        }
    }

    [LoggerMessage(LogLevel.Warning, "OpenMeter does not show its events ({Reason}): nothing is confirmed; asking again in {Pause}.")]
    private partial void LogNotShown(string reason, TimeSpan pause);

    [LoggerMessage(LogLevel.Critical, "OpenMeter shows {Count} usage events more than once, and counts them so: it does not deduplicate. The first is {Sequence} of KGENTS_USAGE.")]
    private partial void LogDoubled(int count, ulong sequence);

    [LoggerMessage(LogLevel.Critical, "OpenMeter took {Count} usage events twice and does not show them; the first is {Sequence} of KGENTS_USAGE. They are not sent again by themselves: see `ledger show` and `ledger reissue`.")]
    private partial void LogMissing(int count, ulong sequence);

    [LoggerMessage(LogLevel.Error, "OpenMeter shows usage events that it may not count: {Problem}. Compare its meters with deploy/openmeter/config.yaml.")]
    private partial void LogUncounted(string problem);
}
