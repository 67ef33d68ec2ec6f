using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Retention;

/// <summary>Applies the plans' retention from time to time. Every replica does, each at moments of its own.</summary>
internal sealed partial class RetentionWorker(
    NatsTopology topology, SessionRetention retention, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionWorker> logger) : BackgroundService
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
                await TryApplyAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; the next look, anybody's, finds the same.
        }
    }

    private async Task TryApplyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await retention.ApplyOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: the next look may succeed.
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Sessions that are kept no longer could not be looked for; trying again after the interval.")]
    private partial void LogFailed(Exception exception);
}
