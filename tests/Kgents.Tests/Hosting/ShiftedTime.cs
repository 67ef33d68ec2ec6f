namespace Kgents.Tests.Hosting;

/// <summary>A clock that goes as the real one does, so far ahead of it, or behind; timers, and what is measured, are as they are.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
}
