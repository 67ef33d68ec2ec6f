using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kgents.ServiceDefaults.Memory;

/// <summary>
/// Collects the garbage of a process that has come to rest, and gives its memory back to the system. The collector does so when something is allocated, and in a process that only holds
/// open streams nothing is: what a rush of requests has left would stay for as long as the streams do. Not while there is something to do, since everything waits for it.
/// </summary>
internal sealed partial class MemoryTrimmer(IOptions<MemoryOptions> options, TimeProvider time, ILogger<MemoryTrimmer> logger) : BackgroundService
{
    /// <summary>In bytes. Less than this, or than a quarter of what there is with its garbage, is not worth a pause.</summary>
    private const long LeastGarbage = 32 * 1024 * 1024;

    /// <summary>In bytes. So much is collected from the youngest, which takes a moment and gives nothing back: what comes next has room where it was.</summary>
    private const long LeastYoungGarbage = 4 * 1024 * 1024;

    /// <summary>Less is never.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var interval = options.Value.TrimAfter;
        if (interval < Shortest)
        {
            return;
        }

        try
        {
            await WatchAsync(interval, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
    }

    private async Task WatchAsync(TimeSpan interval, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        var watch = new RestWatch(interval, time);
        var collected = 0L;
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var allocated = GC.GetTotalAllocatedBytes();
            var garbage = allocated - collected;
            if (!watch.IsAtRest(allocated) || garbage < LeastYoungGarbage)
            {
                continue;
            }

            collected = allocated;
            if (garbage > Math.Max(LeastGarbage, GC.GetTotalMemory(forceFullCollection: false) / 4))
            {
                Trim();
            }
            else
            {
                GC.Collect(1, GCCollectionMode.Forced, blocking: true);
                LogCollected(garbage >> 20, GC.GetGCMemoryInfo(GCKind.Ephemeral).PauseDurations[0].TotalMilliseconds);
            }
        }
    }

    private void Trim()
    {
        var before = Environment.WorkingSet;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        LogTrimmed((before - Environment.WorkingSet) >> 20, GC.GetGCMemoryInfo(GCKind.FullBlocking).PauseDurations[0].TotalMilliseconds);
    }

    [LoggerMessage(LogLevel.Debug, "Collected {MiB} MiB that were young, in {Milliseconds} ms.")]
    private partial void LogCollected(long miB, double milliseconds);

    [LoggerMessage(LogLevel.Debug, "Gave {MiB} MiB back, in {Milliseconds} ms.")]
    private partial void LogTrimmed(long miB, double milliseconds);
}
