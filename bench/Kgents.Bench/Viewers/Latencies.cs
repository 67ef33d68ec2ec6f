using System.Diagnostics;
using HdrHistogram;

namespace Kgents.Bench.Viewers;

/// <summary>How long things took that began within a window of time, whenever they were seen.</summary>
internal sealed class Latencies
{
    private static readonly long Longest = Stopwatch.Frequency * 60;
    private readonly LongConcurrentHistogram histogram = new(1, Longest, 3);
    private long from = long.MaxValue;
    private long to = long.MinValue;

    public long Count => histogram.TotalCount;

    /// <summary>Counts what begins from now on, until the window is closed.</summary>
    public void Open() => (from, to) = (Stopwatch.GetTimestamp(), long.MaxValue);

    public void Close() => to = Stopwatch.GetTimestamp();

    public void Record(long begun, long seen)
    {
        if (begun >= Volatile.Read(ref from) && begun < Volatile.Read(ref to))
        {
            histogram.RecordValue(Math.Clamp(seen - begun, 1, Longest));
        }
    }

    public double Milliseconds(double percentile) => Count > 0
        ? histogram.GetValueAtPercentile(percentile) * 1000.0 / Stopwatch.Frequency
        : throw new InvalidOperationException("Nothing was seen within the window.");
}
