namespace Kgents.Tests.Hosting;

/// <summary>A clock that stands still until the test moves it, with timers as they are.</summary>
internal sealed class MovableTime : TimeProvider
{
    private readonly DateTimeOffset start = System.GetUtcNow();

    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => start + Ahead;
}
