using Kgents.Metering.Confirm;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Reconcile;

/// <summary>Compares token log, ledger and OpenMeter from time to time, and keeps what it finds for the tenants. It only reads, so it needs no lease.</summary>
internal sealed partial class ReconcileWorker(
    NatsTopology topology,
    MeteringSessions sessions,
    OpenMeterEvents openMeter,
    MeterComparison meters,
    ReconciliationStore store,
    MismatchEvents mismatches,
    MeteringMetrics metrics,
    IOptions<ReconcileOptions> options,
    IOptions<NatsTopologyOptions> streams,
    TimeProvider time,
    ILogger<ReconcileWorker> logger)
    : SweepingService("differences between the ledger and OpenMeter", topology, time, logger)
{
    private readonly TimeProvider time = time;
    private readonly ILogger logger = logger;

    protected override TimeSpan Interval => options.Value.Interval;

    protected override async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        var lasting = 0L;
        var now = time.GetUtcNow();
        List<Reconciliation> partitions = [];
        for (var partition = 0; partition < streams.Value.Partitions; partition++)
        {
            partitions.Add(await sessions.CreateReconciler(partition, openMeter).RunAsync(
                UsageHour.Of(now.AddHours(1 - options.Value.Hours)), UsageHour.Of(now.AddHours(1)), cancellationToken));
        }

        await CompareMetersAsync(partitions, cancellationToken);
        foreach (var (partition, found) in partitions.Index())
        {
            await store.KeepAsync(partition, found, now, cancellationToken);
            await mismatches.TellAsync(found, cancellationToken);
            lasting += found.Differences.Lasting;
        }

        metrics.Reconciled((int)Math.Min(lasting, int.MaxValue));
        if (lasting > 0)
        {
            LogDiffers(lasting, options.Value.Hours);
        }
    }

    /// <summary>A key that may read events and not meters leaves the events compared.</summary>
    private async Task CompareMetersAsync(IReadOnlyList<Reconciliation> partitions, CancellationToken cancellationToken)
    {
        try
        {
            var differing = (await meters.RunAsync(partitions, cancellationToken)).Count;
            metrics.MetersCompared(differing);
            if (differing > 0)
            {
                LogMetersDiffer(differing);
            }
        }
        catch (HttpRequestException exception)
        {
            LogMetersNotCompared(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "OpenMeter's meters sum something else than the events that it shows, of {Groups} hours, models and types of event: `ledger reconcile` names each.")]
    private partial void LogMetersDiffer(int groups);

    [LoggerMessage(LogLevel.Warning, "OpenMeter's meters do not answer, and are not compared with its events.")]
    private partial void LogMetersNotCompared(Exception exception);

    [LoggerMessage(LogLevel.Warning, "OpenMeter and the ledger differ on {Events} usage events of the last {Hours} hours: `ledger reconcile` names each.")]
    private partial void LogDiffers(long events, int hours);
}
