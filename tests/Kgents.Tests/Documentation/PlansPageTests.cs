using System.Globalization;
using Kgents.Api.Plans;

namespace Kgents.Tests.Documentation;

/// <summary>docs/plans.md has the plans as they are, and every column.</summary>
public sealed class PlansPageTests
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("plans.md");

    [Fact]
    public void Table_HasEachPlanAsItIs() => Assert.Equal(
        new PlanTable().Table.Select(plan => string.Join(" | ", (string[])
        [
            $"`{plan.Key}`",
            Number(plan.Value.RequestsPerMinute),
            Number(plan.Value.RequestsPerDay),
            Number(plan.Value.TokensPerMonth),
            Number(plan.Value.Turns),
            Number(plan.Value.Streams),
            plan.Value.Retention == TimeSpan.Zero ? "for ever" : $"`{plan.Value.Retention}`",
            $"`{plan.Value.Budgets}`",
            $"`{plan.Value.DefaultBudget}`",
            plan.Value.Models == "" ? "all" : $"`{plan.Value.Models}`",
        ])),
        Page.Table("The plans").Take(new PlanTable().Table.Count).Select(row => string.Join(" | ", row)));

    [Fact]
    public void EveryColumn_IsNamed() =>
        Assert.All(typeof(PlanOptions).GetProperties(), column => Assert.Contains($"| `{column.Name}` |", Page.Text, StringComparison.Ordinal));

    private static string Number(long number) => number == 0 ? "no limit" : number.ToString(CultureInfo.InvariantCulture);
}
