using System.Text.RegularExpressions;
using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>All plans by their names. The configuration changes those that are here and adds others.</summary>
public sealed class PlanTable
{
    public const string SectionName = "Plans";

    public const string Custom = "custom";

    /// <summary>The plan of a tenant that is created without one.</summary>
    public string Default { get; set; } = "free";

    public Dictionary<string, PlanOptions> Table { get; } = new(StringComparer.Ordinal)
    {
        ["free"] = new() { RequestsPerMinute = 60, RequestsPerDay = 100, TokensPerMonth = 10_000, Turns = 2, Streams = 5, Budgets = Tiers(BudgetTiers.Dormant, BudgetTiers.Whisper), DefaultBudget = BudgetTiers.Whisper },
        ["pro"] = new() { RequestsPerMinute = 600, RequestsPerDay = 1_000, TokensPerMonth = 100_000, Turns = 20, Streams = 50, Budgets = Tiers(BudgetTiers.Dormant, BudgetTiers.Whisper, BudgetTiers.Dialogue) },
        ["enterprise"] = new() { RequestsPerMinute = 6_000, RequestsPerDay = 10_000, TokensPerMonth = 1_000_000, Turns = 200, Streams = 500, DefaultBudget = BudgetTiers.Deep },
        [Custom] = new(),
    };

    private static string Tiers(params string[] tiers) => string.Join(',', tiers);
}

/// <summary>Refuses a table that could not be meant, by the name of the setting.</summary>
internal sealed partial class PlanTableValidator : IValidateOptions<PlanTable>
{
    public ValidateOptionsResult Validate(string? name, PlanTable options)
    {
        var faults = options.Table.SelectMany(plan => Faults(plan.Key, plan.Value)).ToList();
        if (!options.Table.ContainsKey(options.Default))
        {
            faults.Add($"Plans:Default is '{options.Default}'; it must be one of {string.Join(", ", options.Table.Keys)}.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static IEnumerable<string> Faults(string name, PlanOptions plan)
    {
        var setting = $"Plans:Table:{name}";
        if (!Name().IsMatch(name))
        {
            yield return $"{setting}: a plan's name is 1 to 40 of [a-z0-9-].";
        }

        if (plan.RequestsPerMinute < 0 || plan.RequestsPerDay < 0 || plan.TokensPerMonth < 0 || plan.Turns < 0 || plan.Streams < 0)
        {
            yield return $"{setting}: RequestsPerMinute, RequestsPerDay, TokensPerMonth, Turns and Streams must be 0, for no limit, or more.";
        }

        if (plan.Retention < TimeSpan.Zero)
        {
            yield return $"{setting}:Retention is '{plan.Retention}'; it must be 0, for ever, or a time, as 30.00:00:00 for thirty days.";
        }

        var budgets = ModelNames.Parse(plan.Budgets);
        if (budgets.Count == 0 || budgets.Except(BudgetTiers.All).Any())
        {
            yield return $"{setting}:Budgets is '{plan.Budgets}'; it must be some of {string.Join(", ", BudgetTiers.All)}.";
        }

        if (!budgets.Contains(plan.DefaultBudget))
        {
            yield return $"{setting}:DefaultBudget is '{plan.DefaultBudget}'; it must be one of its Budgets.";
        }
    }

    [GeneratedRegex("^[a-z0-9-]{1,40}$")]
    private static partial Regex Name();
}
