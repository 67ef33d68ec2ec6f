using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Metering.Reconcile;

/// <summary>
/// Compares what OpenMeter's meters sum with the events that it shows: of hours that are over for an hour, and of groups whose events are all as they should be. There a meter that sums something else
/// counts other events than these, or not all of them. The meters of the single buckets, which have the prices, are compared with what the ledger has of each, where that of all tokens is as it should be. An
/// event that comes later than that, while it is compared, may look so once.
/// </summary>
internal sealed class MeterComparison(OpenMeterMeters meters, TimeProvider time)
{
    private static readonly TimeSpan Arrival = TimeSpan.FromHours(1);

    /// <summary>Each row of which there is a meter has what it sums afterwards.</summary>
    /// <param name="partitions">All of them, over the same hours: a meter knows nothing of partitions.</param>
    /// <exception cref="HttpRequestException">OpenMeter does not answer.</exception>
    public async Task<IReadOnlyList<MeterDifference>> RunAsync(IReadOnlyList<Reconciliation> partitions, CancellationToken cancellationToken)
    {
        var (from, to) = (partitions[0].From, UsageHour.Of(time.GetUtcNow() - Arrival));
        if (!IsBefore(from, to))
        {
            return [];
        }

        var differing = partitions.SelectMany(each => each.Differences.Sums).Select(each => each.Group).ToHashSet();
        List<MeterDifference> found = [];
        foreach (var rows in partitions.SelectMany(each => each.Rows).GroupBy(row => (row.Group.Tenant, row.Group.Type)))
        {
            var shown = rows.Where(row => IsBefore(row.Group.Hour, to)).ToLookup(row => row.Group);
            var named = differing.ToHashSet();
            foreach (var (number, meter) in UsageMeter.Of(rows.Key.Type).Index())
            {
                if (await meters.QueryAsync(meter, rows.Key.Tenant, from, to, cancellationToken) is not { } sums)
                {
                    continue;
                }

                var isQuantity = number == 0;
                foreach (var row in shown.SelectMany(group => group).Where(row => isQuantity && !differing.Contains(row.Group)))
                {
                    row.Meter = sums.GetValueOrDefault((row.Group.Hour, row.Group.Model));
                }

                var groups = sums.Keys.Select(key => new ReconciledGroup(rows.Key.Tenant, key.Hour, key.Model, rows.Key.Type)).Union(shown.Select(group => group.Key));
                found.AddRange(groups
                    .Where(group => !named.Contains(group))
                    .Select(group => Compare(group, meter, sums.GetValueOrDefault((group.Hour, group.Model)), [.. shown[group]], isQuantity))
                    .Where(each => !IsSame(each.Sum, each.Expected)));
                named.UnionWith(found.Where(_ => isQuantity).Select(each => each.Group));
            }
        }

        return [.. found.OrderBy(each => each.Group.Tenant.ToString(), StringComparer.Ordinal).ThenBy(each => each.Group.Hour, StringComparer.Ordinal).ThenBy(each => each.Group.Model, StringComparer.Ordinal).ThenBy(each => each.Meter.Slug, StringComparer.Ordinal)];
    }

    private static MeterDifference Compare(ReconciledGroup group, UsageMeter meter, decimal sum, IReadOnlyList<ReconciledRow> rows, bool isQuantity)
    {
        var counted = rows.Aggregate(new UsageTotal(group.Tenant, group.Hour, group.Model, group.Type), (all, row) => row.Counted is { } one ? all.Plus(one) : all);
        return new MeterDifference(group, meter, sum, isQuantity ? rows.Sum(row => row.OpenMeter.Quantity) : meter.Read(counted), isQuantity ? null : meter.Mistaken(counted, sum));
    }

    private static bool IsBefore(string hour, string other) => string.CompareOrdinal(hour, other) < 0;

    /// <summary>As a double tells them apart, which is what OpenMeter answers.</summary>
    private static bool IsSame(decimal meter, decimal events) => (double)meter == (double)events;
}
