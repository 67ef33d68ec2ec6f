using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>Sweeps from time to time. Every worker does; each begins at a moment of its own, so that they do not all read at once.</summary>
internal sealed partial class SweepWorker(
    NatsTopology topology, TurnSweeper sweeper, IOptions<SweepOptions> options, TimeProvider time, ILogger<SweepWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await Task.Delay(options.Value.Interval * Random.Shared.NextDouble(), time, stoppingToken);
            using var timer = new PeriodicTimer(options.Value.Interval, time);
            do
            {
                await TrySweepAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; the next sweep, anybody's, finds the same.
        }
    }

    private async Task TrySweepAsync(CancellationToken cancellationToken)
    {
        try
        {
            await sweeper.SweepOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: a worker that does not sweep still runs turns, and the next sweep may succeed.
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The logs could not be swept; trying again after the interval.")]
    private partial void LogFailed(Exception exception);
}
