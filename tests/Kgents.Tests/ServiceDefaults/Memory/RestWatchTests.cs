using Kgents.ServiceDefaults.Memory;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.ServiceDefaults.Memory;

public sealed class RestWatchTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider time = new();
    private readonly RestWatch watch;
    private long allocated;

    public RestWatchTests() => watch = new RestWatch(Interval, time);

    [Fact]
    public void Process_IsAtRest_WhenItAllocatesLittle() => Assert.True(IsAtRestAfter(Interval, 0.9));

    [Fact]
    public void Process_IsNotAtRest_WhenItAllocatesMuch() => Assert.False(IsAtRestAfter(Interval, 1.1));

    [Fact]
    public void Process_IsAtRest_ByTheTimeThatHasPassed_WhenALookIsLate()
    {
        Assert.True(IsAtRestAfter(2 * Interval, 0.9));
        Assert.False(IsAtRestAfter(2 * Interval, 1.1));
    }

    /// <summary>The next look comes when it would have come in any case.</summary>
    [Fact]
    public void BusyProcess_IsNotAtRest_InTheMomentAfterALateLook()
    {
        Assert.False(IsAtRestAfter(1.9 * Interval, 5));
        Assert.False(IsAtRestAfter(0.1 * Interval, 0.5));
    }

    /// <summary>What it did then is not forgotten either.</summary>
    [Fact]
    public void Moment_IsPartOfTheNextLook()
    {
        Assert.False(IsAtRestAfter(0.1 * Interval, 30));
        Assert.False(IsAtRestAfter(Interval, 0.1));
        Assert.True(IsAtRestAfter(Interval, 0.1));
    }

    /// <param name="rate">Of the rate up to which a process is at rest.</param>
    private bool IsAtRestAfter(TimeSpan passed, double rate)
    {
        time.Advance(passed);
        allocated += (long)(rate * RestWatch.RateAtRest * passed.TotalSeconds);
        return watch.IsAtRest(allocated);
    }
}
