using System.Globalization;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;

namespace Kgents.Api.Usage;

/// <summary>Adds usage up into the rows of an answer.</summary>
internal sealed class UsageSums(UsageQuery query)
{
    private readonly Dictionary<(DateTimeOffset Start, DateTimeOffset End, string? Model, string? Session, string? Key, string Type), UsageTotal> sums = [];

    public int Count => sums.Count;

    public void Add(UsageTotal used, string? session, string? key)
    {
        if (query.Model is not null && used.Model != query.Model)
        {
            return;
        }

        var (start, end) = UsageWindow.Of(UsageHour.Start(used.Hour), query);
        var row = (start, end, query.GroupBy.Contains(UsageQuery.ByModel) && used.Model.Length > 0 ? used.Model : null, query.GroupBy.Contains(UsageQuery.BySession) ? session : null, query.GroupBy.Contains(UsageQuery.ByKey) ? key : null, used.Type);
        sums[row] = sums.TryGetValue(row, out var known) ? known.Plus(used) : used;
    }

    /// <summary>By time, then by model, session, key and type: two answers about the same are the same.</summary>
    public IReadOnlyList<UsageRow> Rows() =>
    [
        .. sums.OrderBy(sum => sum.Key.Start).ThenBy(sum => sum.Key.Model, StringComparer.Ordinal).ThenBy(sum => sum.Key.Session, StringComparer.Ordinal).ThenBy(sum => sum.Key.Key, StringComparer.Ordinal).ThenBy(sum => sum.Key.Type, StringComparer.Ordinal)
            .Select(sum => new UsageRow(
                sum.Key.Start, sum.Key.End, sum.Key.Model, sum.Key.Session, sum.Key.Key, sum.Key.Type, UsageEvent.IsBillable(sum.Key.Type),
                Text(sum.Value.Events), Text(sum.Value.Requests), Text(sum.Value.Turns), Text(sum.Value.InputTokensUncached), Text(sum.Value.CacheReadTokens), Text(sum.Value.CacheWriteTokens),
                Text(sum.Value.OutputTokensVisible), Text(sum.Value.ReasoningTokens), Text(sum.Value.TotalTokens))),
    ];

    /// <summary>Exact, and without zeros behind the point.</summary>
    private static string Text(decimal quantity) => quantity.ToString("0.############################", CultureInfo.InvariantCulture);
}
