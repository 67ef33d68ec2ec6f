namespace Kgents.Metering.Export;

/// <summary>When the next try may be: after a pause that doubles, with full jitter, or after the one that was asked for.</summary>
internal sealed class RetryPause(ExportOptions options, TimeProvider time)
{
    /// <summary>A server that asks for more is asked again all the same.</summary>
    private static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(15);

    private int failures;
    private long begun;
    private TimeSpan length;

    public bool IsOver => time.GetElapsedTime(begun) >= length;

    public void Reset()
    {
        failures = 0;
        length = TimeSpan.Zero;
    }

    public TimeSpan Begin(TimeSpan? asked, TimeSpan atLeast)
    {
        var ceiling = Math.Min(options.LongestRetryDelay.TotalMilliseconds, options.RetryDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures++, 20)));

        // Full jitter: replicas that failed together do not come back together.
        var delay = TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble());
        var least = asked is { } wish ? Min(Max(wish, atLeast), LongestAsked) : atLeast;
        begun = time.GetTimestamp();
        length = least > TimeSpan.Zero ? least + delay / 4 : delay;
        return length;
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
