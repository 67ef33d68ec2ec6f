using Kgents.Contracts;

namespace Kgents.Api.Plans;

/// <summary>A plan as it is asked: its lists read once.</summary>
internal sealed class Plan(string name, PlanOptions options)
{
    private readonly IReadOnlyList<string> budgets = ModelNames.Parse(options.Budgets);
    private readonly IReadOnlyList<string> models = ModelNames.Parse(options.Models);

    public string Name => name;

    public long RequestsPerMinute => options.RequestsPerMinute;

    public long RequestsPerDay => options.RequestsPerDay;

    public long TokensPerMonth => options.TokensPerMonth;

    public int Turns => options.Turns;

    /// <summary>Its turns take a place in the tenant's quota.</summary>
    public bool HasQuota => TokensPerMonth > 0 || Turns > 0;

    public int Streams => options.Streams;

    /// <summary>Of a session that nobody uses; 0 for ever.</summary>
    public TimeSpan Retention => options.Retention;

    public string DefaultBudget => options.DefaultBudget;

    public bool HasBudget(string budget) => budgets.Contains(budget);

    /// <summary>Whoever names no model gets the service's own.</summary>
    public bool HasModel(string? model) => model is null || models.Count == 0 || models.Contains(model);
}
