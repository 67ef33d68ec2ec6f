namespace Kgents.ServiceDefaults.Memory;

/// <summary>Says whether a process was at rest since the last look, by how much it has allocated.</summary>
/// <param name="interval">Between two looks. One that was late has the next soon after it, and in a moment a busy process allocates little too.</param>
internal sealed class RestWatch(TimeSpan interval, TimeProvider time)
{
    /// <summary>In bytes per second. Thousands of open streams on which nothing comes allocate less, ten of live ones about as much.</summary>
    public const int RateAtRest = 256 * 1024;

    private long since = time.GetTimestamp();
    private long before;

    /// <param name="allocated">Bytes since the process began.</param>
    public bool IsAtRest(long allocated)
    {
        var elapsed = time.GetElapsedTime(since);
        if (elapsed < interval / 2)
        {
            return false;
        }

        var isAtRest = allocated - before < RateAtRest * elapsed.TotalSeconds;
        (since, before) = (time.GetTimestamp(), allocated);
        return isAtRest;
    }
}
