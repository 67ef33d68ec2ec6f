using Kgents.Contracts;

namespace Kgents.Api.Webhooks;

/// <summary>A webhook.</summary>
/// <param name="DisabledReason">`gone`: it answered 410; `by_hand`.</param>
/// <param name="Secret">What events are signed with: only in the answer that creates it, and nowhere ever again.</param>
internal sealed record WebhookResponse(
    WebhookId Id,
    string Url,
    IReadOnlyList<string> Events,
    string? Description,
    bool Enabled,
    DateTimeOffset? DisabledAt,
    string? DisabledReason,
    DateTimeOffset CreatedAt,
    string? Secret)
{
    public static WebhookResponse From(WebhookRecord webhook, string? secret = null) => new(
        webhook.Id, webhook.Url, webhook.Events, webhook.Description, webhook.DisabledAt is null, webhook.DisabledAt, webhook.DisabledReason, webhook.CreatedAt, secret);
}

/// <summary>All webhooks of a tenant, oldest first.</summary>
internal sealed record WebhookPage(IReadOnlyList<WebhookResponse> Webhooks);

/// <summary>A webhook's new secret, which is in no other answer.</summary>
/// <param name="PreviousExpiresAt">Until then events are signed with the one before, too.</param>
internal sealed record WebhookSecretResponse(string Secret, DateTimeOffset PreviousExpiresAt);

/// <summary>The event that was made to try a webhook.</summary>
internal sealed record TestResponse(WebhookEventId DeliveryId);

/// <summary>An event at a webhook.</summary>
/// <param name="NextAttemptAt">While it is pending.</param>
internal sealed record DeliveryResponse(
    WebhookEventId Id, string Type, WebhookDeliveryState State, DateTimeOffset CreatedAt, DateTimeOffset? NextAttemptAt, IReadOnlyList<AttemptResponse> Attempts)
{
    public static DeliveryResponse From(WebhookEventId id, WebhookDelivery delivery) => new(
        id, delivery.Type, delivery.State, delivery.CreatedAt, delivery.NextAttemptAt, [.. delivery.Attempts.Select(attempt => new AttemptResponse(attempt.At, attempt.DurationMs, attempt.Status, attempt.Error))]);
}

/// <summary>One try.</summary>
/// <param name="Error">Why there was no answer.</param>
internal sealed record AttemptResponse(DateTimeOffset At, long DurationMs, int? Status, string? Error);

/// <summary>A page of deliveries, the latest event first; <paramref name="Next"/> is the cursor of the next page.</summary>
internal sealed record DeliveryPage(IReadOnlyList<DeliveryResponse> Deliveries, string? Next);
