using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Webhooks;
using NATS.Client.JetStream;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Makes of an event a delivery for each webhook that chose it. One that is there already stays as it is, so this may be done again.</summary>
internal sealed class WebhookFanOut(WebhookStore webhooks, WebhookDeliveries deliveries, RetryPlan plan, TimeProvider time)
{
    /// <summary>
    /// Older ones go nowhere: a consumer that was lost is brought everything again, and of what is older than this the deliveries, which would tell that it is done, may be gone.
    /// </summary>
    private static readonly TimeSpan OldestEvent = Buckets.WebhookDeliveryRecords.MaxAge - TimeSpan.FromDays(1);

    /// <summary>A webhook is not told of what was before it, but clocks differ.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    public async Task<bool> HandleAsync(INatsJSMsg<byte[]> message, CancellationToken cancellationToken)
    {
        if (!Subjects.TryParseWebhookEvent(message.Subject, out var tenant, out var id) || Read(message.Data) is not { } told || message.Metadata is not { } metadata)
        {
            return false;
        }

        var now = time.GetUtcNow();
        if (now - metadata.Timestamp > OldestEvent)
        {
            return true;
        }

        foreach (var webhook in await webhooks.OfAsync(tenant, cancellationToken))
        {
            if (IsFor(webhook, told) && webhook.CreatedAt - ClockSkew <= metadata.Timestamp)
            {
                await deliveries.AddAsync(
                    new DeliveryAddress(tenant, webhook.Id, id),
                    new WebhookDelivery(told.Type, told.Body, metadata.Sequence.Stream, now, WebhookDeliveryState.Pending, 0, now + plan.FirstPause, []),
                    cancellationToken);
            }
        }

        return true;
    }

    private static bool IsFor(WebhookRecord webhook, WebhookEvent told) =>
        webhook.DisabledAt is null && (told.Webhook is { } one ? one == webhook.Id : webhook.Events.Contains(told.Type));

    private static WebhookEvent? Read(byte[]? data)
    {
        try
        {
            return JsonSerializer.Deserialize(data, WireJson.Default.WebhookEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
