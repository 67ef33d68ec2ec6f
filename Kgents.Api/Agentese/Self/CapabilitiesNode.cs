using System.Text.Json.Nodes;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.Limits;
using Kgents.Api.Plans;
using Kgents.ServiceDefaults.Quotas;

namespace Kgents.Api.Agentese;

/// <summary><c>self.capabilities</c>: what the key may do, and how much of it is left.</summary>
internal sealed class CapabilitiesNode(PlanCatalog plans, TenantQuota quota) : IAgenteseNode
{
    public string Context => "self";

    public string? Holon => "capabilities";

    public string Summary => "what the key may do, and what is left of it";

    public IReadOnlyList<Aspect> Aspects { get; } = [new("list", Scopes.Read, "the key's scopes, its tenant's plan, and what is left of each limit")];

    public async Task<AgenteseAnswer> InvokeAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        var plan = plans.Of(invocation.Tenant);
        var used = plan.HasQuota ? await quota.FindAsync(invocation.Tenant, cancellationToken) : null;
        var held = (used?.Settled ?? 0) + (used?.Open.Values.Sum(open => open.Tokens) ?? 0);
        var limits = invocation.Http.Features.Get<IReadOnlyList<LimitState>>() ?? [];
        return new AgenteseAnswer.Shown(new JsonObject
        {
            ["archetype"] = invocation.Archetype.Name,
            ["scopes"] = Strings(invocation.User.Scopes()),
            ["plan"] = plan.Name,
            ["requests"] = new JsonArray([.. limits.Select(state => (JsonNode)new JsonObject
            {
                ["limit"] = state.Limit.Policy,
                ["of"] = state.Limit.Quota,
                ["left"] = state.Remaining,
                ["reset_in"] = RateLimitHeaders.Seconds(state.Reset),
            })]),
            ["tokens"] = plan.TokensPerMonth == 0 ? null : new JsonObject { ["of"] = plan.TokensPerMonth, ["left"] = Math.Max(plan.TokensPerMonth - held, 0) },
            ["turns"] = plan.Turns == 0 ? null : new JsonObject { ["of"] = plan.Turns, ["left"] = Math.Max(plan.Turns - (used?.Open.Count ?? 0), 0) },
        }.WithoutNulls());
    }

    private static JsonArray Strings(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);
}
