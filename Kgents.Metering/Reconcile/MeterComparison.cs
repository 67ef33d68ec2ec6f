using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Metering.Reconcile;

/// <summary>A group of which OpenMeter's meter sums something else than the events that OpenMeter shows.</summary>
internal sealed record MeterDifference(ReconciledGroup Group, decimal Meter, decimal Events);

/// <summary>
/// Compares what OpenMeter's meters sum with the events that it shows: of hours that are over for an hour, and of groups whose events are all as they should be. There a meter that sums something else
/// counts other events than these, or not all of them. An event that comes later than that, while it is compared, may look so once.
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

        var differing = partitions.SelectMany(each => each.Differences).Select(each => each.Group).ToHashSet();
        List<MeterDifference> found = [];
        foreach (var rows in partitions.SelectMany(each => each.Rows).GroupBy(row => (row.Group.Tenant, row.Group.Type)))
        {
            if (UsageMeter.Of(rows.Key.Type) is not { } meter || await meters.QueryAsync(meter, rows.Key.Tenant, from, to, cancellationToken) is not { } sums)
            {
                continue;
            }

            var shown = rows.Where(row => IsBefore(row.Group.Hour, to)).ToLookup(row => row.Group);
            foreach (var row in shown.SelectMany(group => group).Where(row => !differing.Contains(row.Group)))
            {
                row.Meter = sums.GetValueOrDefault((row.Group.Hour, row.Group.Model));
            }

            var groups = sums.Keys.Select(key => new ReconciledGroup(rows.Key.Tenant, key.Hour, key.Model, rows.Key.Type)).Union(shown.Select(group => group.Key));
            found.AddRange(groups
                .Where(group => !differing.Contains(group))
                .Select(group => new MeterDifference(group, sums.GetValueOrDefault((group.Hour, group.Model)), shown[group].Sum(row => row.OpenMeter.Quantity)))
                .Where(each => !IsSame(each.Meter, each.Events)));
        }

        return [.. found.OrderBy(each => each.Group.Tenant.ToString(), StringComparer.Ordinal).ThenBy(each => each.Group.Hour, StringComparer.Ordinal).ThenBy(each => each.Group.Model, StringComparer.Ordinal)];
    }

    private static bool IsBefore(string hour, string other) => string.CompareOrdinal(hour, other) < 0;

    /// <summary>As a double tells them apart, which is what OpenMeter answers.</summary>
    private static bool IsSame(decimal meter, decimal events) => (double)meter == (double)events;
}
