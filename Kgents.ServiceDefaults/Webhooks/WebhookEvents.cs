using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>
/// Says that something happened which webhooks are told of. Each event has a subject of its own, by its id, and is the first on it: whoever says the same again, after a restart or
/// on another replica, says nothing new.
/// </summary>
public sealed class WebhookEvents(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    /// <summary>What receivers may rely on; far more than any event has.</summary>
    private const int LongestBody = 20_000;

    /// <summary>Returns when it is stored, by this call or an earlier one.</summary>
    /// <param name="data">What is told of it.</param>
    /// <param name="webhook">The one that it is for; null for all of the tenant's that chose its type.</param>
    /// <param name="period">The month that it is about, if it is about one.</param>
    /// <param name="at">When it happened; now by default.</param>
    /// <returns>False when it was there already.</returns>
    public async Task<bool> PublishAsync(
        TenantId tenant, WebhookEventId id, string type, JsonObject data, CancellationToken cancellationToken, WebhookId? webhook = null, string? period = null, DateTimeOffset? at = null)
    {
        var body = JsonSerializer.Serialize(new WebhookPayload(type, (at ?? time.GetUtcNow()).ToUniversalTime(), JsonElement.Parse(data.ToJsonString())), WireJson.Default.WebhookPayload);
        if (Encoding.UTF8.GetByteCount(body) > LongestBody)
        {
            throw new ArgumentException($"An event of {body.Length} characters is longer than receivers are promised.", nameof(data));
        }

        var writer = Guid.NewGuid().ToString("n");
        var result = await publisher.AppendAsync(
            Streams.WebhookEvents.Name,
            Subjects.WebhookEvent(tenant, id),
            JsonSerializer.SerializeToUtf8Bytes(new WebhookEvent(type, body, webhook, period), WireJson.Default.WebhookEvent),
            [new(TurnHeaders.Writer, writer)],
            expectedLast: 0,
            entry => entry.Header(TurnHeaders.Writer) == writer,
            cancellationToken);
        return result.IsStored;
    }

    public async Task<bool> HasAsync(TenantId tenant, WebhookEventId id, CancellationToken cancellationToken) =>
        await reader.LastAsync(Streams.WebhookEvents.Name, Subjects.WebhookEvent(tenant, id), cancellationToken) is not null;
}
