using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What is added up: of a tenant and a model, in one of the disjoint buckets of tokens, or in calls, turns and requests.</summary>
internal readonly record struct Summed(string Tenant, string Model, string What);

/// <summary>What one side says, by tenant, model and bucket.</summary>
internal sealed class Sums
{
    private const string Calls = "calls billed";
    private const string NotBilled = "calls not billed";
    private static readonly IReadOnlyList<string> Buckets = ["input_tokens_uncached", "cache_read_tokens", "cache_write_tokens", "output_tokens_visible", "reasoning_tokens"];
    private static readonly List<string> Order = [.. Buckets, Calls, NotBilled, "turns", "requests"];

    private readonly Dictionary<Summed, decimal> sums = [];

    public decimal this[Summed what] => sums.GetValueOrDefault(what);

    /// <summary>What any of some sides says, in the order of a table.</summary>
    public static IReadOnlyList<Summed> All(params IEnumerable<Sums> sides) =>
        [.. sides.SelectMany(side => side.sums.Keys).Distinct().OrderBy(each => each.Tenant, StringComparer.Ordinal).ThenBy(each => each.Model, StringComparer.Ordinal).ThenBy(each => Order.IndexOf(each.What))];

    /// <summary>Of usage events, as JSON.</summary>
    public static Sums Of(IEnumerable<JsonElement> usage)
    {
        var sums = new Sums();
        foreach (var each in usage)
        {
            sums.Add(each, 1);
        }

        return sums;
    }

    /// <summary>Of a ledger's totals.</summary>
    public static Sums Of(IEnumerable<UsageTotal> totals)
    {
        var sums = new Sums();
        foreach (var total in totals)
        {
            foreach (var (what, quantity) in Split(total))
            {
                sums.Add(new Summed(total.Tenant.ToString(), total.Model, what), quantity);
            }
        }

        return sums;
    }

    /// <param name="times">How often it counts.</param>
    public void Add(JsonElement usage, int times)
    {
        var data = usage.GetProperty("data");
        var model = data.TryGetProperty("model", out var named) ? named.GetString()! : "";
        foreach (var (what, quantity) in Split(usage.Text("type"), field => decimal.Parse(data.Text(field), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)))
        {
            Add(new Summed(usage.Text("subject"), model, what), times * quantity);
        }
    }

    private static IEnumerable<(string What, decimal Quantity)> Split(string type, Func<string, decimal> read) => type switch
    {
        UsageEvent.BillableType => [.. Buckets.Select(bucket => (bucket, read(bucket))), (Calls, read("requests"))],
        UsageEvent.NonBillableType => [(NotBilled, read("requests"))],
        UsageEvent.TurnType => [("turns", read("turns"))],
        UsageEvent.RequestType => [("requests", read("requests"))],
        _ => throw new InvalidOperationException($"There is no such type of usage: {type}."),
    };

    private static IEnumerable<(string What, decimal Quantity)> Split(UsageTotal total) => total.Type switch
    {
        UsageEvent.BillableType => Buckets.Zip([total.InputTokensUncached, total.CacheReadTokens, total.CacheWriteTokens, total.OutputTokensVisible, total.ReasoningTokens]).Append((Calls, total.Requests)),
        UsageEvent.NonBillableType => [(NotBilled, total.Requests)],
        UsageEvent.TurnType => [("turns", total.Turns)],
        UsageEvent.RequestType => [("requests", total.Requests)],
        _ => throw new InvalidOperationException($"There is no such type of usage: {total.Type}."),
    };

    private void Add(Summed what, decimal quantity) => sums[what] = this[what] + quantity;
}
