using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>Sends what is due, until the process stops; what is under way then ends by itself, within the time that a receiver has.</summary>
internal sealed partial class WebhookSendWorker(
    NatsTopology topology, DeliveryQueue queue, WebhookSender sender, IOptions<WebhookDeliveryOptions> options, TimeProvider time, ILogger<WebhookSendWorker> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DrainMargin = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var abandon = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var drain = stoppingToken.Register(() => abandon.CancelAfter(options.Value.Timeout + DrainMargin));
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await Parallel.ForEachAsync(
                queue.TakeAsync(stoppingToken),
                new ParallelOptions { MaxDegreeOfParallelism = options.Value.Concurrency, CancellationToken = CancellationToken.None },
                async (address, _) => await SendAsync(address, abandon.Token));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this ends; what was not sent is stored.
        }
    }

    private async Task SendAsync(DeliveryAddress address, CancellationToken cancellationToken)
    {
        try
        {
            await sender.TryAsync(address, cancellationToken);
        }
        catch (Exception exception)
        {
            // Whatever it is: the delivery is stored, and others are due.
            LogFailed(address.Event, address.Webhook, exception);
            await Task.Delay(RetryDelay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        queue.Done(address);
    }

    [LoggerMessage(LogLevel.Error, "The delivery of event {Event} to webhook {Webhook} failed here; trying again.")]
    private partial void LogFailed(WebhookEventId @event, WebhookId webhook, Exception exception);
}
