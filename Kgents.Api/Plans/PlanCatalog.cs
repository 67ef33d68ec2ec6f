using System.Collections.Frozen;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Tenants;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>The plan of each tenant, and what it says to a request. One without a plan, or whose plan is not in the table any more, has the usual one; the operator's own has no limits.</summary>
internal sealed class PlanCatalog(IOptions<PlanTable> table, IOptions<BootstrapKeyOptions> operatorOptions, TenantStore tenants)
{
    private readonly FrozenDictionary<string, Plan> plans = table.Value.Table.ToFrozenDictionary(plan => plan.Key, plan => new Plan(plan.Key, plan.Value), StringComparer.Ordinal);

    public IEnumerable<string> Names => plans.Keys.Order(StringComparer.Ordinal);

    public bool Contains(string name) => plans.ContainsKey(name);

    public Plan Of(TenantRecord? tenant)
    {
        var name = tenant?.Plan ?? (tenant?.Id.ToString() == operatorOptions.Value.BootstrapTenant ? PlanTable.Custom : table.Value.Default);
        return plans.GetValueOrDefault(name) ?? plans[table.Value.Default];
    }

    public Plan Of(TenantId tenant) => Of(tenants.Find(tenant));

    /// <summary>The tokens of a month, 0 for no limit; null for a tenant whose turns take no place in a quota.</summary>
    public long? TokenQuotaOf(TenantId tenant) => Of(tenant) is { HasQuota: true } plan ? plan.TokensPerMonth : null;

    /// <summary>The budget that is asked for, in its one spelling, or the plan's own; a problem when there is none such, or not in the plan.</summary>
    public ProblemHttpResult? ReadBudget(TenantId tenant, string? asked, out string budget)
    {
        var plan = Of(tenant);
        budget = asked is null ? plan.DefaultBudget : BudgetTiers.Find(asked) ?? "";
        return budget == "" ? Budgets.Unknown : plan.HasBudget(budget) ? null : Problem.NotInPlan(plan.Name, "budget", budget);
    }

    /// <summary>Null when the plan has the model, or none is asked for.</summary>
    public ProblemHttpResult? ValidateModel(TenantId tenant, string? model) =>
        Of(tenant) is var plan && plan.HasModel(model) ? null : Problem.NotInPlan(plan.Name, "model", model!);
}
