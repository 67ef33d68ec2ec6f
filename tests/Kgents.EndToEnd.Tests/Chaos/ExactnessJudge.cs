using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Holds token log, recorded usage, ledger and OpenMeter to each other, event by event and sum by sum. Where OpenMeter has another number of an event than one, the product's own reconciliation has
/// to name it, and nothing else; and only what OpenMeter did itself may be the cause.
/// </summary>
internal sealed class ExactnessJudge(Verdict verdict, ChaosSystem system, SettledUsage usage)
{
    private readonly Dictionary<string, JsonElement> recorded = usage.Log.Recorded.Select(each => JsonElement.Parse(each.Data)).DistinctBy(each => each.Text("id")).ToDictionary(each => each.Text("id"));
    private readonly Dictionary<string, int> rows = usage.Rows.CountBy(usage.IdOf).ToDictionary();
    private readonly Dictionary<string, string> named = usage.Compared.Values.SelectMany(each => each).SelectMany(each => each.Differences).GroupBy(each => each.Id).ToDictionary(each => each.Key, each => string.Join('+', each.Select(one => one.Cause)));

    /// <summary>Judges, and returns the sides next to each other.</summary>
    public string Judge()
    {
        verdict.Count("usage events committed by turns", usage.Committed.Count);
        verdict.Count("usage events recorded", recorded.Count);
        verdict.Count("events that the ledger counts", usage.Ledger.Counted.Count);
        verdict.Count("entries of the ledger", usage.Ledger.All.Count);
        verdict.Count("rows in OpenMeter", usage.Rows.Count);
        foreach (var cause in named.Values.CountBy(cause => cause).OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            verdict.Count($"differences that the reconciliation names {cause.Key}", cause.Value);
        }

        verdict.Count("events that OpenMeter does not take", named.Values.Count(cause => cause is "refused" or "discarded"));
        JudgeEvents();
        return JudgeSums();
    }

    private void JudgeEvents()
    {
        var committed = usage.Committed.Select(each => each.Id).ToHashSet();
        var bytes = usage.Log.Recorded.Select(each => Encoding.UTF8.GetString(each.Data)).ToHashSet();
        var ofTurns = Used.Where(each => each.Text("source") == UsageEvent.ConstantSource).Select(each => each.Text("id")).ToList();
        verdict.Rule("what a turn committed is recorded, to the byte", usage.Committed.Select(each => each.Json).Where(json => !bytes.Contains(json)));
        verdict.Rule("an event is recorded with one set of bytes", bytes.Select(json => JsonElement.Parse(Encoding.UTF8.GetBytes(json)).Text("id")).CountBy(id => id).Where(each => each.Value > 1).Select(each => each.Key));
        verdict.Rule("what is recorded of turns was committed by one", ofTurns.Where(id => !committed.Contains(id)));
        verdict.Rule("the ledger's chain holds", usage.Ledger.Broken);
        verdict.Rule("the ledger counts each recorded event", recorded.Keys.Except(usage.Ledger.Counted.Values));
        verdict.Rule("the ledger counts nothing else, and nothing twice", usage.Ledger.Counted.Values.CountBy(id => id).Where(each => each.Value > 1 || !recorded.ContainsKey(each.Key)).Select(each => $"{each}"));
        verdict.Rule("OpenMeter has nothing that was not recorded", rows.Keys.Where(id => !recorded.ContainsKey(id)));
        verdict.Rule("OpenMeter has each event once, or the reconciliation says why not", recorded.Keys.Where(id => !IsNamed(RowsOf(id), named.GetValueOrDefault(id))).Select(Describe));
        verdict.Rule("the reconciliation names nothing that was not recorded", named.Keys.Except(recorded.Keys).Select(Describe));
        verdict.Rule("what OpenMeter has more than once, it doubled itself", rows.Where(each => each.Value > (usage.IdsOf(each.Key).Any(system.OpenMeterFaults.Doubled.Contains) ? 2 : 1)).Select(each => Describe(each.Key)));
        verdict.Rule("what is refused is what OpenMeter refuses", named.Where(each => each.Value is "refused" or "discarded" && !IsRefusable(each.Key)).Select(each => Describe(each.Key)));
        verdict.Rule("what is lost OpenMeter had shown", named.Where(each => each.Value is "vanished" && !usage.IdsOf(each.Key).Any(id => system.OpenMeter.HistoryOf(id).Forgotten > 0)).Select(each => Describe(each.Key)));
        verdict.Rule("what is missing OpenMeter promised twice, and lost each time", named.Where(each => each.Value is "missing" && !IsLostForGood(each.Key)).Select(each => Describe(each.Key)));
    }

    /// <summary>What was recorded of use, and not to take it back.</summary>
    private IEnumerable<JsonElement> Used => recorded.Values.Where(each => !IsCorrection(each));

    private static bool IsCorrection(JsonElement each) => each.GetProperty("data").TryGetProperty("kind", out var kind) && kind.ValueEquals("correction");

    private int RowsOf(string id) => rows.GetValueOrDefault(id);

    private static bool IsNamed(int rows, string? cause) => rows switch
    {
        0 => cause is "refused" or "discarded" or "missing" or "vanished",
        1 => cause is null,
        _ => cause is "doubled",
    };

    /// <summary>By its id, or because it was said twice to be too large alone in a request: nobody can send less.</summary>
    private bool IsRefusable(string id) => recorded.TryGetValue(id, out var each) && (system.OpenMeter.IsPoison!(each) || usage.IdsOf(id).Any(one => system.OpenMeter.HistoryOf(one).TooLarge > 1));

    /// <summary>Once is no proof: what it lost once goes again, and is there then.</summary>
    private bool IsLostForGood(string id) => system.OpenMeter.HistoryOf(id) is { Promised: >= 2 } history && history.Lost + history.Forgotten >= 2;

    private string Describe(string id) => $"{id} of {recorded.GetValueOrDefault(id)}: {RowsOf(id)} rows, named '{named.GetValueOrDefault(id)}'; {system.OpenMeter.HistoryOf(id)}";

    private string JudgeSums()
    {
        // What OpenMeter has more or less, by what is named and not by its rows.
        var differing = new Sums();
        foreach (var (id, cause) in named.Where(each => recorded.ContainsKey(each.Key)))
        {
            differing.Add(recorded[id], cause is "doubled" ? 1 : -1);
        }

        var (used, taken) = (Sums.Of(Used), Sums.Of(recorded.Values.Where(IsCorrection)));
        var (log, stream, ledger, openMeter) = (Sums.Of(usage.Committed.Select(SettledUsage.Json)), Sums.Of(recorded.Values), Sums.Of(usage.Ledger.Totals), Sums.Of(usage.Rows));
        var all = Sums.All(log, stream, ledger, openMeter);
        string Line(Summed what) => $"{what}: {log[what]}, {used[what]} and {taken[what]}, {ledger[what]}, {openMeter[what]}, of which differs {differing[what]}";
        verdict.Rule("token log = recorded usage, by tenant, model and bucket", all.Where(what => what.What != "requests" && log[what] != used[what]).Select(Line));
        verdict.Rule("recorded usage = ledger, by tenant, model and bucket", all.Where(what => stream[what] != ledger[what]).Select(Line));
        verdict.Rule("ledger = OpenMeter but for what is named, by tenant, model and bucket", all.Where(what => ledger[what] + differing[what] != openMeter[what]).Select(Line));
        verdict.Rule("the reconciliation has the same sums", usage.Compared.SelectMany(each => Otherwise(each.Key, each.Value)));
        return Table(all, log, taken, ledger, openMeter, differing);
    }

    /// <summary>The sums of a comparison that are not those of here.</summary>
    private IEnumerable<string> Otherwise(string tenant, IReadOnlyList<ReconciliationRecord> compared)
    {
        var mine = new[]
        {
            Totals(tenant, usage.Committed.Select(SettledUsage.Json)),
            Totals(tenant, recorded.Values),
            Totals(tenant, usage.Rows),
        };
        var theirs = new[]
        {
            Totals(compared.SelectMany(each => each.Usage).Select(row => (row, row.TokenLog))),
            Totals(compared.SelectMany(each => each.Usage).Select(row => (row, row.Ledger))),
            Totals(compared.SelectMany(each => each.Usage).Select(row => (row, row.OpenMeter))),
        };
        return mine.Zip(theirs).SelectMany(side => side.First.Except(side.Second).Select(line => $"{tenant} {line} is not there").Concat(side.Second.Except(side.First).Select(line => $"{tenant} {line} is there")));
    }

    private static IReadOnlyList<string> Totals(string tenant, IEnumerable<JsonElement> usage) => Totals(
        from each in usage
        where each.Text("subject") == tenant
        let data = each.GetProperty("data")
        let type = each.Text("type")
        let field = type is UsageEvent.TurnType ? "turns" : type is UsageEvent.RequestType ? "requests" : "total_tokens"
        select (data.TryGetProperty("model", out var model) ? model.GetString()! : "", type, 1L, decimal.Parse(data.Text(field), CultureInfo.InvariantCulture)));

    private static IReadOnlyList<string> Totals(IEnumerable<(ReconciledUsage Row, ReconciledQuantity Quantity)> rows) => Totals(rows.Select(each =>
        (each.Row.Model, each.Row.Type, long.Parse(each.Quantity.Events, CultureInfo.InvariantCulture), decimal.Parse(each.Quantity.Quantity, CultureInfo.InvariantCulture))));

    private static IReadOnlyList<string> Totals(IEnumerable<(string Model, string Type, long Events, decimal Quantity)> each) =>
        [.. each.GroupBy(one => (one.Model, one.Type)).Where(group => group.Any(one => one.Events > 0)).Select(group => $"{group.Key.Model} {group.Key.Type}: {group.Sum(one => one.Events)} = {group.Sum(one => one.Quantity)}")];

    private static string Table(IReadOnlyList<Summed> all, Sums log, Sums taken, Sums ledger, Sums openMeter, Sums differing) => string.Join('\n',
    [
        $"  {"tenant",-8} {"model",-11} {"",-22} {"token log",12} {"taken back",12} {"ledger",12} {"OpenMeter",12} {"of it named",12}",
        .. all.Select(what => string.Create(CultureInfo.InvariantCulture, $"  {what.Tenant,-8} {what.Model,-11} {what.What,-22} {log[what],12:N0} {taken[what],12:N0} {ledger[what],12:N0} {openMeter[what],12:N0} {differing[what],12:+#,0;-#,0;0}")),
        "",
        "",
    ]);
}
