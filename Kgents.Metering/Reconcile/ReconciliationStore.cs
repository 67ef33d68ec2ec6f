using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Metering.Reconcile;

/// <summary>Keeps the last comparison of each tenant, where the API finds it. It is a view of what is elsewhere: of two replicas the later one's holds.</summary>
internal sealed class ReconciliationStore(INatsJSContext jetStream)
{
    /// <summary>A record is one message, of a megabyte at most; a row and a difference have some 400 bytes each.</summary>
    private const int MostRows = 1_000;
    private const int MostDifferences = ReconciledDifferences.MostKept;

    public async Task KeepAsync(int partition, Reconciliation found, DateTimeOffset at, CancellationToken cancellationToken)
    {
        foreach (var tenant in found.Rows.GroupBy(row => row.Group.Tenant))
        {
            var record = new ReconciliationRecord(
                partition,
                UsageHour.Start(found.From),
                UsageHour.Start(found.To),
                at,
                found.LogFrom,
                [.. tenant.OrderByDescending(row => row.Group.Hour, StringComparer.Ordinal).Take(MostRows).Select(Usage)],
                (int)Math.Min(found.Differences.CountOf(tenant.Key), int.MaxValue),
                [.. found.Differences.KeptOf(tenant.Key).Take(MostDifferences).Select(Describe)]);
            var ack = await jetStream.PublishAsync(
                Subjects.Reconciliation(tenant.Key, partition), JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.ReconciliationRecord), NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
            ack.EnsureSuccess();
        }
    }

    private static ReconciledUsage Usage(ReconciledRow row) =>
        new(UsageHour.Start(row.Group.Hour), row.Group.Model, row.Group.Type, Quantity(row.Log), Quantity(row.Ledger), Quantity(row.OpenMeter), row.Meter is { } meter ? Text(meter) : null);

    private static ReconciledQuantity Quantity(ReconciledSum sum) => new(sum.Events.ToString(CultureInfo.InvariantCulture), Text(sum.Quantity));

    private static ReconciledDifference Describe(Difference each) =>
        new(each.Id, UsageHour.Start(each.Group.Hour), each.Group.Model, each.Group.Type, Text(each.Quantity), Reconciliation.NameOf(each.Cause), Reconciliation.IsUnderWay(each.Cause));

    private static string Text(decimal quantity) => quantity.ToString("0.############################", CultureInfo.InvariantCulture);
}
