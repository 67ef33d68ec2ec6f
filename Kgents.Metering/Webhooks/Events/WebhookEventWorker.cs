using Kgents.Contracts;
using Kgents.Metering.DeadLetters;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Looks for what webhooks are told of, and tells them, until the process stops.</summary>
internal sealed class WebhookEventWorker(NatsTopology topology, WebhookFeed feed, WebhookFanOut fanOut, QuotaEvents quotas, LetterEvents letters) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await topology.WhenCreatedAsync(stoppingToken);

            // None of them ends before the process stops.
            await Task.WhenAll(
                feed.RunAsync(WebhookFeed.Events, Streams.WebhookEvents.Name, Subjects.AllWebhookEvents, fanOut.HandleAsync, stoppingToken),
                feed.RunAsync(WebhookFeed.Quotas, Subjects.KeyValueStream(Buckets.Quota), Subjects.AllQuotas, quotas.HandleAsync, stoppingToken),
                feed.RunAsync(WebhookFeed.DeadLetters, Streams.DeadLetters.Name, Subjects.DeadLettersOf(UsageDeadLetters.Origin), letters.HandleAsync, stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown is how this ends; the consumers know how far it came.
        }
    }
}
