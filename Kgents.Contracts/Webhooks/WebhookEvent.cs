using System.Text.Json;

namespace Kgents.Contracts;

/// <summary>An event as it is stored: the very text that is signed and sent, on every try.</summary>
/// <param name="Webhook">The one that it is for; null for all that chose its type.</param>
/// <param name="Period">The month that it is about, of those that are about one.</param>
public sealed record WebhookEvent(string Type, string Body, WebhookId? Webhook = null, string? Period = null);

/// <summary>What receivers get.</summary>
/// <param name="Timestamp">When it happened, which is not when it is sent.</param>
public sealed record WebhookPayload(string Type, DateTimeOffset Timestamp, JsonElement Data);
