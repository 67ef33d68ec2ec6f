using System.Globalization;
using System.Reflection;
using Kgents.Contracts;
using Kgents.Flux;

namespace Kgents.Tests.Documentation;

/// <summary>docs/kgentflux.md says what the code does: each law has a test that runs.</summary>
public sealed class KgentFluxPageTests
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("kgentflux.md");

    [Fact]
    public void EveryModeBudgetAndEigenvector_IsAsItSays()
    {
        Assert.Equal(
            DialogueModes.All.Select(mode => $"`{mode}` {Stance.For(mode).Temperature.ToString("0.0", CultureInfo.InvariantCulture)}"), Page.Table("Modes").Select(row => $"{row[0]} {row[1]}"));
        Assert.Equal(BudgetTiers.All.Select(tier => $"`{tier}` {BudgetTiers.MaxOutputTokens(tier)}"), Page.Table("Budgets").Select(row => $"{row[0]} {row[1]}"));
        Assert.Equal(
            Eigenvectors.Default.All().Select(each => string.Create(CultureInfo.InvariantCulture, $"`{each.Key}` {each.Value.Value} {each.Value.Confidence}")),
            Page.Table("Eigenvectors").Select(row => $"{row[0]} {row[3]} {row[4]}"));
    }

    [Fact]
    public void EveryLaw_HasItsTest()
    {
        var tests = typeof(KgentFluxPageTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods().Where(method => method.GetCustomAttributes().OfType<FactAttribute>().Any(fact => fact.Skip is null)).Select(method => $"{type.Name}.{method.Name}"))
            .ToHashSet();
        var named = Page.Table("Laws").SelectMany(row => MarkdownPage.Codes(row[2])).ToList();

        Assert.Equal(Page.Table("Laws").Count, named.Count);
        Assert.Empty(named.Except(tests));
        Assert.Empty(tests.Where(test => test.StartsWith("FluxLawTests.", StringComparison.Ordinal)).Except(named));
    }
}
