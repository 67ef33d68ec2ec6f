namespace Kgents.Api.Turns;

/// <summary>
/// When the end of a log from which nothing comes is looked up next: ever more rarely, since thousands of silent streams are to ask little. What was lost after a silence is found after about as long a
/// one, and after an interval where something may have been lost.
/// </summary>
internal sealed class TailPace
{
    /// <summary>How much rarer it is at last.</summary>
    private const int Rarest = 6;

    private readonly TimeSpan interval;
    private readonly TimeProvider time;
    private long looked;
    private TimeSpan wait;

    public TailPace(TimeSpan interval, TimeProvider time)
    {
        (this.interval, this.time, wait) = (interval, time, interval);
        looked = time.GetTimestamp();
    }

    public bool IsDue => time.GetElapsedTime(looked) >= wait;

    /// <summary>Something came.</summary>
    public void Came() => wait = interval;

    /// <param name="isSure">Not after a look that had no answer, nor after a connection that was lost: what comes first on a new one may be lost too.</param>
    public void Looked(bool isSure)
    {
        looked = time.GetTimestamp();
        wait = isSure ? TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, Rarest * interval.Ticks)) : interval;
    }
}
