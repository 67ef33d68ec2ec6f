using System.Globalization;
using Kgents.Contracts;
using Kgents.Metering.Reconcile;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Webhooks;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Tells tenants where OpenMeter and the ledger differ on their usage in a way that does not mend itself.</summary>
internal sealed class MismatchEvents(WebhookEvents events)
{
    /// <summary>Of a model's name, which is whatever its provider says.</summary>
    private const int LongestModel = 200;

    /// <summary>By hour, model and type of event, once as long as the same events differ for the same reasons.</summary>
    public async Task TellAsync(Reconciliation found, CancellationToken cancellationToken)
    {
        var rows = found.Rows.ToDictionary(row => row.Group);
        foreach (var differences in found.Differences.Sums.Where(each => !Reconciliation.IsUnderWay(each.Cause)).GroupBy(each => each.Group))
        {
            await TellAsync(differences.Key, rows.GetValueOrDefault(differences.Key), differences.Sum(each => each.Events), found.Differences.MarkOf(differences.Key), cancellationToken);
        }
    }

    private Task<bool> TellAsync(ReconciledGroup group, ReconciledRow? row, long differences, string mark, CancellationToken cancellationToken) => events.PublishAsync(
        group.Tenant,
        WebhookEventId.Of(["mismatch", group.Tenant.ToString(), group.Hour, group.Model, group.Type, mark]),
        WebhookEventTypes.ReconciliationMismatch,
        new()
        {
            ["tenant_id"] = group.Tenant.ToString(),
            ["hour"] = UsageHour.Start(group.Hour),
            ["model"] = group.Model.Length <= LongestModel ? group.Model : group.Model[..LongestModel],
            ["type"] = group.Type,
            ["differences"] = differences,
            ["ledger"] = Text(row?.Ledger.Quantity),
            ["open_meter"] = Text(row?.OpenMeter.Quantity),
        },
        cancellationToken);

    private static string Text(decimal? quantity) => (quantity ?? 0).ToString("0.############################", CultureInfo.InvariantCulture);
}
