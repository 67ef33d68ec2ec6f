using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Ledger;
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
    ReconciliationStore store,
    MismatchEvents mismatches,
    JetStreamReader reader,
    MeteringMetrics metrics,
    IOptions<ReconcileOptions> options,
    IOptions<LedgerOptions> ledger,
    TimeProvider time,
    ILogger<ReconcileWorker> logger)
    : SweepingService("differences between the ledger and OpenMeter", topology, time, logger)
{
    private readonly TimeProvider time = time;
    private readonly ILogger logger = logger;

    protected override TimeSpan Interval => options.Value.Interval;

    protected override async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        var lasting = 0;
        for (var partition = 0; partition < ledger.Value.Partitions; partition++)
        {
            var now = time.GetUtcNow();
            var found = await new Reconciler(sessions.OpenLedger(partition), openMeter, reader, time).RunAsync(
                UsageHour.Of(now.AddHours(1 - options.Value.Hours)), UsageHour.Of(now.AddHours(1)), cancellationToken);
            await store.KeepAsync(partition, found, now, cancellationToken);
            await TellAsync(found, cancellationToken);
            lasting += found.Differences.Count(each => !Reconciliation.IsUnderWay(each.Cause));
        }

        metrics.Reconciled(lasting);
        if (lasting > 0)
        {
            LogDiffers(lasting, options.Value.Hours);
        }
    }

    /// <summary>By the hour, so that the same difference is the same event at every look.</summary>
    private async Task TellAsync(Reconciliation found, CancellationToken cancellationToken)
    {
        foreach (var (tenant, hour) in found.Differences.Where(each => !Reconciliation.IsUnderWay(each.Cause)).Select(each => (each.Group.Tenant, each.Group.Hour)).Distinct())
        {
            var billed = found.Rows.Where(row => row.Group.Tenant == tenant && row.Group.Hour == hour && row.Group.Type == UsageEvent.BillableType).ToList();
            var start = UsageHour.Start(hour);
            await mismatches.TellAsync(
                tenant, "total_tokens", start, start.AddHours(1), Text(billed.Sum(row => row.Ledger.Tokens)), Text(billed.Sum(row => row.OpenMeter.Tokens)), cancellationToken);
        }
    }

    private static string Text(decimal tokens) => tokens.ToString("0.############################", CultureInfo.InvariantCulture);

    [LoggerMessage(LogLevel.Warning, "OpenMeter and the ledger differ on {Events} usage events of the last {Hours} hours: `ledger reconcile` names each.")]
    private partial void LogDiffers(int events, int hours);
}
