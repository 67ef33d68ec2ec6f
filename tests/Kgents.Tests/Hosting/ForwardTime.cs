namespace Kgents.Tests.Hosting;

/// <summary>A clock that measures more than has passed; timers, and the time of day, are as they are.</summary>
internal sealed class ForwardTime : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);
}
