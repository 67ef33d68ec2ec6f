using Kgents.Api.Turns;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.Api;

public sealed class TailPaceTests
{
    private readonly FakeTimeProvider time = new();
    private readonly TailPace pace;

    public TailPaceTests() => pace = new TailPace(TimeSpan.FromSeconds(5), time);

    [Fact]
    public void Looks_ComeEverMoreRarely_UpToSixIntervals() =>
        Assert.Equal([5, 10, 20, 30, 30], Enumerable.Range(0, 5).Select(_ => SecondsToALook(isSure: true)));

    [Fact]
    public void Looks_ComeAfterAnInterval_AgainWhenSomethingCame()
    {
        SecondsToALook(isSure: true);
        SecondsToALook(isSure: true);

        pace.Came();

        Assert.Equal(5, SecondsToALook(isSure: true));
    }

    /// <summary>It had no answer, or the connection was lost before it.</summary>
    [Fact]
    public void NextLook_ComesAfterAnInterval_WhenOneTellsNothing()
    {
        SecondsToALook(isSure: true);
        SecondsToALook(isSure: false);

        Assert.Equal(5, SecondsToALook(isSure: true));
    }

    private int SecondsToALook(bool isSure)
    {
        var seconds = 0;
        for (; !pace.IsDue; seconds++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
        }

        pace.Looked(isSure);
        return seconds;
    }
}
