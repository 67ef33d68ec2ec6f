using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Looks for a new month from time to time. Each replica does; who comes second says nothing new.</summary>
internal sealed partial class QuotaResetWorker(
    NatsTopology topology, QuotaResets resets, IOptions<WebhookDeliveryOptions> options, TimeProvider time, ILogger<QuotaResetWorker> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            using var timer = new PeriodicTimer(options.Value.ResetInterval, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await TryTellAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this loop ends; the next look, anybody's, finds the same.
        }
    }

    private async Task TryTellAsync(CancellationToken cancellationToken)
    {
        try
        {
            await resets.TellOnceAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Whatever it is: the next look may succeed.
            LogFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Tenants could not be told of a new month; trying again after the interval.")]
    private partial void LogFailed(Exception exception);
}
