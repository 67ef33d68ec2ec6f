using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// Looks through the store again and again for what nobody else will do. Every replica does, and begins at a moment of its own, so that they do not all read at once; what one look
/// misses, the next one finds, anybody's.
/// </summary>
/// <param name="what">What is looked for, in the plural, for the log.</param>
public abstract partial class SweepingService(string what, NatsTopology topology, TimeProvider time, ILogger logger) : BackgroundService
{
    protected abstract TimeSpan Interval { get; }

    /// <summary>One look.</summary>
    protected abstract Task SweepOnceAsync(CancellationToken cancellationToken);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await Task.Delay(Interval * Random.Shared.NextDouble(), time, stoppingToken);
            using var timer = new PeriodicTimer(Interval, time);
            do
            {
                await TrySweepAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends.
        }
    }

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SweepOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: the service does its other work, and the next look may succeed.
            LogFailed(what, Interval, exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "There was no look for {What}; the next one is in {Interval}.")]
    private partial void LogFailed(string what, TimeSpan interval, Exception exception);
}
