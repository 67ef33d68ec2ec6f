using System.Text;
using Kgents.Contracts;

namespace Kgents.Api.Usage;

/// <summary>
/// Billable usage in the columns of FOCUS (FinOps Open Cost and Usage Specification 1.2), as far as they can be stated: Kgents has no prices, so it has no cost, no
/// <c>SkuPriceId</c>, and without that no <c>ConsumedQuantity</c>. The quantity is in a column of our own.
/// </summary>
internal static class FocusExport
{
    public static IReadOnlyList<string> Columns { get; } =
    [
        "ChargeCategory", "ChargePeriodStart", "ChargePeriodEnd", "ServiceName", "ServiceCategory", "SkuId", "SkuMeter", "SubAccountId", "x_Quantity", "x_Unit", "x_AsOf", "x_IsBehind",
    ];

    /// <summary>The disjoint kinds of tokens: what a price applies to.</summary>
    private static readonly (string Meter, Func<UsageRow, string> Quantity)[] Tokens =
    [
        ("input_tokens_uncached", row => row.InputTokensUncached),
        ("cache_read_tokens", row => row.CacheReadTokens),
        ("cache_write_tokens", row => row.CacheWriteTokens),
        ("output_tokens_visible", row => row.OutputTokensVisible),
        ("reasoning_tokens", row => row.ReasoningTokens),
    ];

    /// <summary>A call of a model is priced by its tokens, a request to the API by itself.</summary>
    private static readonly (string Meter, Func<UsageRow, string> Quantity)[] Requests = [("requests", row => row.Requests)];

    /// <param name="usage">By hour and model.</param>
    public static string Write(string tenant, UsageResponse usage)
    {
        var text = new StringBuilder(Csv.Line(Columns));
        foreach (var row in usage.Usage.Where(row => row.Billable))
        {
            var isRequest = row.Type == UsageEvent.RequestType;
            foreach (var (meter, quantity) in (isRequest ? Requests : Tokens).Select(each => (each.Meter, Quantity: each.Quantity(row))).Where(each => each.Quantity != "0"))
            {
                text.Append(Csv.Line(
                    "Usage", Csv.Time(row.WindowStart), Csv.Time(row.WindowEnd), "Kgents", "AI and Machine Learning", isRequest ? "api" : Csv.Text(row.Model), meter, Csv.Text(tenant),
                    quantity, isRequest ? "requests" : "tokens", Csv.Time(usage.AsOf), Csv.Truth(usage.IsBehind)));
            }
        }

        return text.ToString();
    }
}
