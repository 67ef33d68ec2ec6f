using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Api.Keys;
using Kgents.Api.Plans;
using Kgents.Api.Usage;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Agentese;

/// <summary><c>self.usage</c>: what the tenant has used, as the ledger says.</summary>
internal sealed class UsageNode(UsageReport report, PlanCatalog plans, IOptions<UsageOptions> options, TimeProvider time) : IAgenteseNode
{
    /// <summary>A rate from less would say nothing.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromHours(1);

    public string Context => "self";

    public string? Holon => "usage";

    public string Summary => "what the tenant has used, by the ledger";

    public IReadOnlyList<Aspect> Aspects { get; } =
    [
        new("manifest", Scopes.Billing, "this month's usage by model"),
        new("forecast", Scopes.Billing, "what this month's tokens come to if they go on as so far"),
    ];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var asked = new UsageParameters(From: null, To: null, UsageWindow.Total, UsageQuery.ByModel, Model: null, Session: null, Key: null, Format: null);
        if (UsageQuery.Read(asked, now, out var query) is { } problem)
        {
            return new AgenteseAnswer.Refused(problem);
        }

        if (await report.ReadAsync(invocation.Tenant, query, cancellationToken) is not { } usage)
        {
            return new AgenteseAnswer.Refused(UsageOperations.TooMuch(options.Value.MaxRows));
        }

        return new AgenteseAnswer.Shown(invocation.Aspect.Name == "forecast"
            ? Forecast(usage, now, plans.Of(invocation.Tenant).TokensPerMonth)
            : JsonSerializer.SerializeToNode(usage, ApiJson.Default.UsageResponse));
    }

    /// <summary>A straight line through the month's beginning and now.</summary>
    private static JsonObject Forecast(UsageResponse usage, DateTimeOffset now, long quota)
    {
        var start = UsageWindow.Month(now);
        var length = start.AddMonths(1) - start;
        var elapsed = now - start < Shortest ? Shortest : now - start;
        var used = usage.Usage.Where(row => row.Billable).Sum(row => decimal.Parse(row.TotalTokens, CultureInfo.InvariantCulture));
        var forecast = decimal.Round(used * ((decimal)length.Ticks / elapsed.Ticks));
        return new JsonObject
        {
            ["month"] = start.ToString("yyyy-MM", CultureInfo.InvariantCulture),
            ["as_of"] = usage.AsOf,
            ["is_behind"] = usage.IsBehind,
            ["total_tokens"] = Text(used),
            ["forecast_tokens"] = Text(Math.Max(used, forecast)),
            ["tokens_per_month"] = quota == 0 ? null : Text(quota),
            ["exceeds_plan"] = quota == 0 ? null : forecast > quota,
        }.WithoutNulls();
    }

    private static string Text(decimal quantity) => quantity.ToString("0.############################", CultureInfo.InvariantCulture);
}
