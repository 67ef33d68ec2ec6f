using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>Sweeps the quotas from time to time, more often than the logs: a small tenant whose few places are lost is locked out until then.</summary>
internal sealed partial class QuotaSweepWorker(
    NatsTopology topology, QuotaSweeper sweeper, IOptions<SweepOptions> options, TimeProvider time, ILogger<QuotaSweepWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            using var timer = new PeriodicTimer(options.Value.QuotaInterval, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await TrySweepAsync(stoppingToken);
            }
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
            // Whatever it is: the next sweep may succeed.
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The quotas could not be swept; trying again after the interval.")]
    private partial void LogFailed(Exception exception);
}
