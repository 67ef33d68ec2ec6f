using Kgents.Contracts;
using Kgents.Metering.Telemetry;
using Kgents.ServiceDefaults.Webhooks;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>
/// One try of a delivery. It is claimed before it is sent, so that of several replicas one sends it; a replica that dies after that leaves a claim that runs out, and it is sent again under the same id.
/// </summary>
internal sealed partial class WebhookSender(
    WebhookStore webhooks,
    WebhookDeliveries deliveries,
    DeliveryQueue queue,
    WebhookClient client,
    RetryPlan plan,
    WebhookMetrics metrics,
    IOptions<WebhookDeliveryOptions> options,
    TimeProvider time,
    ILogger<WebhookSender> logger)
{
    /// <summary>Besides the time that a receiver has: for what is written before and after.</summary>
    private static readonly TimeSpan ClaimMargin = TimeSpan.FromSeconds(10);

    public async Task TryAsync(DeliveryAddress address, CancellationToken cancellationToken)
    {
        var found = await deliveries.FindAsync(address, cancellationToken);
        var now = time.GetUtcNow();
        if (found is not var (delivery, revision) || delivery.DueAt is not { } dueAt || dueAt > now)
        {
            // Another replica was faster, or somebody changed it: this is how it stands.
            queue.Set(address, found?.Value.DueAt, found?.Sequence ?? ulong.MaxValue);
            return;
        }

        var webhook = await webhooks.FindAsync(address.Tenant, address.Webhook, cancellationToken);
        if (webhook is null or { DisabledAt: not null })
        {
            await GiveUpAsync(address, plan.GivenUp(delivery, webhook is null ? WebhookAttemptErrors.WebhookDeleted : WebhookAttemptErrors.WebhookDisabled), revision, cancellationToken);
            return;
        }

        var claimed = delivery with { ClaimedUntil = now + options.Value.Timeout + ClaimMargin };
        if (await deliveries.TryReplaceAsync(address, claimed, revision, cancellationToken) is not { } held)
        {
            // The watch tells who has it.
            return;
        }

        queue.Set(address, claimed.DueAt, held);
        var from = time.GetTimestamp();
        var result = await client.SendAsync(webhook, address.Event, delivery.Body, cancellationToken);
        var attempt = new WebhookAttempt(now, (long)time.GetElapsedTime(from).TotalMilliseconds, (int?)result.Status, result.Error);
        metrics.Attempted(result, time.GetElapsedTime(from));
        if (result.IsGone)
        {
            await DisableAsync(webhook, cancellationToken);
        }

        await RecordAsync(address, claimed, held, result, attempt, cancellationToken);
    }

    private async Task RecordAsync(DeliveryAddress address, WebhookDelivery claimed, ulong held, SendResult result, WebhookAttempt attempt, CancellationToken cancellationToken)
    {
        var after = plan.After(claimed, result, attempt);
        if (await deliveries.TryReplaceAsync(address, after, held, cancellationToken) is { } stored)
        {
            queue.Set(address, after.DueAt, stored);
        }
        else
        {
            // Redelivered by hand meanwhile, or the claim ran out: what was sent was sent, whatever else is to happen.
            after = await deliveries.ChangeAsync(address, current => plan.After(current, result, attempt), cancellationToken) ?? after;
        }

        if (after.State == WebhookDeliveryState.Failed)
        {
            metrics.Failed();
            LogFailed(address.Event, after.Type, address.Webhook, address.Tenant, after.Tries, attempt.Status, attempt.Error);
        }
    }

    private async Task GiveUpAsync(DeliveryAddress address, WebhookDelivery givenUp, ulong revision, CancellationToken cancellationToken)
    {
        if (await deliveries.TryReplaceAsync(address, givenUp, revision, cancellationToken) is { } stored)
        {
            queue.Set(address, null, stored);
            metrics.Failed();
        }
    }

    private async Task DisableAsync(WebhookRecord webhook, CancellationToken cancellationToken)
    {
        // Not if it was given another address since: that one has not said so.
        await webhooks.ChangeAsync(
            webhook.Tenant,
            webhook.Id,
            current => current.DisabledAt is null && current.Url == webhook.Url ? current with { DisabledAt = time.GetUtcNow(), DisabledReason = WebhookRecord.Gone } : null,
            cancellationToken);
        metrics.Disabled();
        LogDisabled(webhook.Id, webhook.Tenant);
    }

    [LoggerMessage(LogLevel.Warning, "Event {Event} ({Type}) was not delivered to webhook {Webhook} of {Tenant}: try {Tries} was the last, with {Status} {Error}.")]
    private partial void LogFailed(WebhookEventId @event, string type, WebhookId webhook, TenantId tenant, int tries, int? status, string? error);

    [LoggerMessage(LogLevel.Warning, "Webhook {Webhook} of {Tenant} answered 410 and is disabled.")]
    private partial void LogDisabled(WebhookId webhook, TenantId tenant);
}
