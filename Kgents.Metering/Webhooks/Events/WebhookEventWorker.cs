using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Looks for what webhooks are told of, and tells them, until the process stops.</summary>
internal sealed class WebhookEventWorker(NatsTopology topology, WebhookFeed feed, WebhookFanOut fanOut) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);
            await feed.RunAsync(WebhookFeed.Events, Streams.WebhookEvents.Name, Subjects.AllWebhookEvents, fanOut.HandleAsync, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this ends; the consumers know how far it came.
        }
    }
}
