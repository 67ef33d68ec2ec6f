using Kgents.Api.Plans;
using Kgents.Contracts;

namespace Kgents.Tests.Api.Plans;

/// <summary>Sums of two tenants at most are in memory here; each has one of each hour.</summary>
public sealed class TenantTokensTests
{
    private static readonly TenantId A = TenantId.Parse("aa");
    private static readonly TenantId B = TenantId.Parse("bb");
    private static readonly TenantId C = TenantId.Parse("cc");

    [Fact]
    public void LastTotalOfAnHour_Holds_AndPartitionsAddUp()
    {
        var tokens = new TenantTokens([A, B], 10);
        tokens.Set(Total(A, 1, 5));
        tokens.Set(Total(A, 1, 8));
        tokens.Set(Total(A, 2, 1));
        tokens.Set(Total(C, 1, 100));
        tokens.AddUp();
        tokens.Set(Total(A, 1, 10));
        tokens.AddUp();

        Assert.Equal([(A, 19L), (B, 0L)], tokens.Sums.Select(each => (each.Key, each.Value!.Value)));
    }

    [Fact]
    public void TenantsThatDoNotFit_AreLeftForTheNextTime()
    {
        var tokens = new TenantTokens([C, A, B], 2);
        tokens.Set(Total(B, 1, 1));
        tokens.Set(Total(C, 1, 1));
        tokens.Set(Total(A, 1, 1));
        tokens.Set(Total(C, 2, 1));
        tokens.Set(Total(A, 2, 1));
        tokens.AddUp();

        // Of what is left out a later partition says nothing any more.
        tokens.Set(Total(C, 1, 1));
        tokens.AddUp();
        Assert.Equal([(A, 2L)], tokens.Sums.Select(each => (each.Key, each.Value!.Value)));
    }

    [Fact]
    public void TenantThatHasTooMuchAlone_IsNotAddedUp_AndNotLeftForEver()
    {
        var tokens = new TenantTokens([A, B], 2);
        tokens.Set(Total(B, 1, 1));
        tokens.Set(Total(A, 1, 1));
        tokens.Set(Total(A, 2, 1));
        tokens.Set(Total(A, 3, 1));
        tokens.Set(Total(A, 4, 1));
        tokens.AddUp();

        Assert.Equal((A, null), Assert.Single(tokens.Sums.Select(each => (each.Key, each.Value))));
    }

    /// <summary>Against the same without leaving any out: whoever walks all tenants for each that it leaves out takes hundreds of times as long.</summary>
    [Fact]
    public void LeavingOutVeryMany_CostsLittleMoreThanAddingThemUp()
    {
        var tenants = Enumerable.Range(0, 20_000).Select(number => TenantId.Parse($"tenant-{number:00000}")).ToList();

        var floor = Least(int.MaxValue);
        var leaving = Least(1);

        Assert.InRange(leaving, TimeSpan.Zero, 20 * floor);

        // A machine that does something else meanwhile makes it longer, and never shorter.
        TimeSpan Least(int most) => Enumerable.Range(0, 5).Min(_ => Take(most));

        TimeSpan Take(int most)
        {
            var start = TimeProvider.System.GetTimestamp();
            var tokens = new TenantTokens(tenants, most);
            foreach (var tenant in tenants)
            {
                tokens.Set(Total(tenant, 1, 1));
            }

            tokens.AddUp();
            Assert.Equal(Math.Min(most, tenants.Count), tokens.Sums.Count);
            return TimeProvider.System.GetElapsedTime(start);
        }
    }

    private static UsageTotal Total(TenantId tenant, int hour, decimal tokens) => new(tenant, $"2026-01-31T{hour:00}", "model", UsageEvent.BillableType) { TotalTokens = tokens };
}
