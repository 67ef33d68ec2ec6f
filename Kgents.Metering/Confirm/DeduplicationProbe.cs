using Kgents.Metering.Export;
using Kgents.Metering.Telemetry;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Confirm;

/// <summary>
/// Finds out whether this OpenMeter deduplicates, which is not its default: sends an event that no meter counts, and once it is shown sends it
/// again. The second goes later, because OpenMeter drops equal events of one flush in any case. What it finds changes nothing: it is told.
/// </summary>
internal sealed partial class DeduplicationProbe(
    OpenMeterClient openMeter,
    OpenMeterEvents shown,
    MeteringMetrics metrics,
    IOptions<ConfirmOptions> options,
    IOptions<ExportOptions> export,
    TimeProvider time,
    ILogger<DeduplicationProbe> logger)
{
    private readonly RetryPause pause = new(export.Value, time);
    private string id = Guid.NewGuid().ToString();
    private int taken;
    private DateTimeOffset takenAt;
    private DateTimeOffset next;

    /// <summary>Null until it is known.</summary>
    public bool? Deduplicates { get; private set; }

    /// <summary>Sends or looks, once.</summary>
    public async Task StepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (!options.Value.Probe || Deduplicates is not null || now < next || !pause.IsOver)
        {
            return;
        }

        next = now + options.Value.Interval;
        try
        {
            if (taken == 0)
            {
                await SendAsync(cancellationToken);
            }
            else
            {
                await LookAsync(now, cancellationToken);
            }
        }
        catch (HttpRequestException)
        {
            // The confirmer tells of it.
        }
    }

    private async Task LookAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var times = (await shown.FindAsync([id], [ProbeEvent.Source], cancellationToken)).GetValueOrDefault(id)?.Times ?? 0;
        var isLate = now >= takenAt + options.Value.VisibleWithin;
        if (times > 1 || (times == 1 && taken > 1 && isLate))
        {
            Tell(times == 1);
        }
        else if (times == 1 && taken == 1)
        {
            await SendAsync(cancellationToken);
        }
        else if (isLate)
        {
            BeginAnew();
        }
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        var outcome = await openMeter.SendAsync([ProbeEvent.New(id, time)], cancellationToken);
        switch (outcome.Result)
        {
            case SendResult.Taken:
                taken++;
                takenAt = time.GetUtcNow();
                pause.Reset();
                break;
            case SendResult.Unknown:
                // Shown or not, nothing could be concluded from it.
                BeginAnew();
                pause.Begin(outcome.RetryAfter, TimeSpan.Zero);
                break;
            default:
                pause.Begin(outcome.RetryAfter, TimeSpan.Zero);
                break;
        }
    }

    private void BeginAnew() => (id, taken) = (Guid.NewGuid().ToString(), 0);

    private void Tell(bool deduplicates)
    {
        Deduplicates = deduplicates;
        metrics.Deduplicates(deduplicates);
        if (deduplicates)
        {
            LogDeduplicates();
        }
        else
        {
            LogDoesNot();
        }
    }

    [LoggerMessage(LogLevel.Information, "OpenMeter deduplicates: an event that was sent twice is shown once.")]
    private partial void LogDeduplicates();

    [LoggerMessage(LogLevel.Warning, "OpenMeter does not deduplicate: an event that was sent twice is shown twice. Turn on sink.dedupe with Redis (deploy/openmeter/config.yaml).")]
    private partial void LogDoesNot();
}
