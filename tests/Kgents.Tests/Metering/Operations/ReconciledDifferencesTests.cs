using Kgents.Contracts;
using Kgents.Metering.Reconcile;

namespace Kgents.Tests.Metering.Operations;

/// <summary>However many events differ, what is kept of them is bounded, by tenant and cause, and all are counted.</summary>
public sealed class ReconciledDifferencesTests
{
    private static readonly ReconciledGroup Acme = new(TenantId.Parse("acme"), "2026-01-31T13", "model", UsageEvent.BillableType);
    private static readonly ReconciledGroup Other = Acme with { Tenant = TenantId.Parse("other") };

    [Fact]
    public void All_AreCounted_AndNoTenantAndNoCauseHidesAnother()
    {
        const int Many = 3 * ReconciledDifferences.MostKept;
        var found = new ReconciledDifferences(
        [
            .. Enumerable.Range(1, Many).Select(number => Of(Acme, number, Cause.Waiting)),
            .. Enumerable.Range(1, Many).Select(number => Of(Acme, number, Cause.Refused)),
            Of(Acme, 4711, Cause.Vanished),
            Of(Other, 1, Cause.Doubled),
        ]);

        Assert.Equal((2 * Many) + 2, found.Count);
        Assert.Equal(Many + 2, found.Lasting);
        Assert.Equal((Many, 2m * Many), found.Sums.Where(sum => sum.Cause == Cause.Refused).Select(sum => (sum.Events, sum.Quantity)).Single());
        Assert.Equal((2 * ReconciledDifferences.MostKept) + 2, found.Kept.Count());
        Assert.Contains(found.Kept, each => each.Sequence == 4711);
        Assert.Equal(Cause.Doubled, Assert.Single(found.KeptOf(Other.Tenant)).Cause);
        Assert.DoesNotContain(found.KeptOf(Acme.Tenant).Take(ReconciledDifferences.MostKept + 1), each => each.Cause == Cause.Waiting);
    }

    [Fact]
    public void Kept_AreBoundedInAll_AndWhoTakesSomeHasSomeOfEach()
    {
        var tenants = Enumerable.Range(1, 100).Select(number => Acme with { Tenant = TenantId.Parse($"tenant-{number}") }).ToList();
        var found = new ReconciledDifferences(tenants.SelectMany(tenant => Enumerable.Range(1, ReconciledDifferences.MostKept).Select(number => Of(tenant, number, Cause.Vanished))));

        Assert.Equal(tenants.Count * ReconciledDifferences.MostKept, found.Count);
        Assert.InRange(found.Kept.Count(), ReconciledDifferences.MostKeptInAll, ReconciledDifferences.MostKeptInAll + tenants.Count);
        Assert.Equal(tenants.Select(tenant => tenant.Tenant), found.Kept.Take(tenants.Count).Select(each => each.Group.Tenant));
    }

    [Fact]
    public void Mark_IsOfTheEventsAndTheirCauses_AndNotOfTheirOrder()
    {
        Difference[] some = [Of(Acme, 1, Cause.Vanished), Of(Acme, 2, Cause.Doubled)];
        var mark = new ReconciledDifferences(some).MarkOf(Acme);

        Assert.Equal(mark, new ReconciledDifferences(some.Reverse()).MarkOf(Acme));
        Assert.Equal(mark, new ReconciledDifferences([.. some, Of(Acme, 3, Cause.Waiting)]).MarkOf(Acme));
        Assert.NotEqual(mark, new ReconciledDifferences(some[0], Of(Acme, 2, Cause.Refused)).MarkOf(Acme));
        Assert.NotEqual(mark, new ReconciledDifferences([.. some, Of(Acme, 3, Cause.Vanished)]).MarkOf(Acme));
    }

    private static Difference Of(ReconciledGroup group, int number, Cause cause) => new((ulong)number, $"event {number}", group, 2, cause);
}
