using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>An event at one webhook.</summary>
public readonly record struct DeliveryAddress(TenantId Tenant, WebhookId Webhook, WebhookEventId Event);

/// <summary>What becomes of an event at one webhook: the order to send it, and the log of all tries.</summary>
/// <param name="Body">What is sent, byte for byte the same on every try.</param>
/// <param name="Sequence">Of the event in its stream: later events have higher ones.</param>
/// <param name="Tries">Since it was created, or redelivered by hand.</param>
/// <param name="NextAttemptAt">Null when it is pending no more.</param>
/// <param name="Attempts">The latest of them, oldest first.</param>
public sealed record WebhookDelivery(
    string Type,
    string Body,
    ulong Sequence,
    DateTimeOffset CreatedAt,
    WebhookDeliveryState State,
    int Tries,
    DateTimeOffset? NextAttemptAt,
    IReadOnlyList<WebhookAttempt> Attempts)
{
    /// <summary>Somebody sends it, and until then nobody else does.</summary>
    public DateTimeOffset? ClaimedUntil { get; init; }

    /// <summary>When somebody may begin to send it; null when nobody is to.</summary>
    [JsonIgnore]
    public DateTimeOffset? DueAt => State != WebhookDeliveryState.Pending ? null : ClaimedUntil > NextAttemptAt ? ClaimedUntil : NextAttemptAt;
}

/// <summary>One try.</summary>
/// <param name="Status">What was answered; null when nothing was.</param>
/// <param name="Error">Why there was no answer, by one of <see cref="WebhookAttemptErrors"/>.</param>
public sealed record WebhookAttempt(DateTimeOffset At, long DurationMs, int? Status = null, string? Error = null);

[JsonConverter(typeof(JsonStringEnumConverter<WebhookDeliveryState>))]
public enum WebhookDeliveryState
{
    [JsonStringEnumMemberName("pending")]
    Pending,

    [JsonStringEnumMemberName("delivered")]
    Delivered,

    /// <summary>After the last try, or because the webhook is disabled or deleted.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}
