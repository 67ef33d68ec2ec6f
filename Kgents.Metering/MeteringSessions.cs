using Kgents.Metering.Confirm;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Export;
using Kgents.Metering.Lease;
using Kgents.Metering.Ledger;
using Kgents.Metering.Reconcile;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering;

/// <summary>Puts together what works on a partition. Each session begins with nothing but what the ledger says.</summary>
internal sealed class MeteringSessions(
    JetStreamReader reader,
    FencedPublisher publisher,
    UsageDeadLetters letters,
    MeteringHealth health,
    MeteringMetrics metrics,
    IServiceProvider services,
    IOptions<LedgerOptions> ledgerOptions,
    IOptions<NatsTopologyOptions> streams,
    IOptions<ExportOptions> exportOptions,
    IOptions<ConfirmOptions> confirmOptions,
    IOptions<ReconcileOptions> reconcileOptions,
    TimeProvider time,
    ILoggerFactory loggers)
{
    public UsageLedger OpenLedger(int partition) => new(partition, reader, publisher, time);

    public UsageReceiver CreateReceiver(UsageLedger ledger) => new(
        ledger, new HourPages(ledger, ledgerOptions), letters, reader, metrics, ledgerOptions, streams, loggers.CreateLogger<UsageReceiver>());

    public Reconciler CreateReconciler(int partition, OpenMeterEvents openMeter)
    {
        var ledger = OpenLedger(partition);
        return new Reconciler(ledger, new CommittedUsage(ledger, new HourPages(ledger, ledgerOptions), reader, reconcileOptions.Value.RecordedWithin), openMeter, reader, time);
    }

    public MeteringSession Create(int partition, PartitionLease lease)
    {
        var ledger = OpenLedger(partition);
        var payloads = new UsagePayloads(reader);

        // Without an OpenMeter usage is entered, and waits there.
        var client = services.GetService<OpenMeterClient>();
        var events = services.GetService<OpenMeterEvents>();
        return new MeteringSession(
            ledger,
            CreateReceiver(ledger),
            client is null ? null : new UsageExporter(
                ledger, lease, new ExportQueue(ledger, payloads, metrics, exportOptions, time), client, letters, health, metrics, exportOptions, time, loggers.CreateLogger<UsageExporter>()),
            events is null ? null : new UsageConfirmer(ledger, events, payloads, health, metrics, confirmOptions, exportOptions, time, loggers.CreateLogger<UsageConfirmer>()),
            partition == 0 ? services.GetService<DeduplicationProbe>() : null,
            services.GetService<DelayedUsage>(),
            reader,
            health,
            metrics,
            ledgerOptions,
            time);
    }
}
