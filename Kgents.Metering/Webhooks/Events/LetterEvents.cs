using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;
using NATS.Client.JetStream;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>Tells a tenant of each usage event that is a dead letter, once, however many letters it has. The reason is not told: it may be OpenMeter's, and is for the operator.</summary>
internal sealed class LetterEvents(WebhookEvents events)
{
    private const int LongestId = 200;

    public async Task<bool> HandleAsync(INatsJSMsg<byte[]> message, CancellationToken cancellationToken)
    {
        if (!Subjects.TryParseTenant(message.Subject, out var tenant) || Read(message.Data) is not { } letter)
        {
            return false;
        }

        await events.PublishAsync(
            tenant,
            WebhookEventId.Of("letter", tenant.ToString(), letter.Stream, letter.Sequence.ToString(CultureInfo.InvariantCulture)),
            WebhookEventTypes.EventQuarantined,
            new() { ["tenant_id"] = tenant.ToString(), ["event_id"] = IdOf(letter), ["sequence"] = letter.Sequence, ["quarantined_at"] = letter.At },
            cancellationToken,
            at: letter.At);
        return true;
    }

    /// <summary>What it is called in usage, if that can be read.</summary>
    private static string? IdOf(DeadLetter letter)
    {
        try
        {
            using var usage = JsonDocument.Parse(letter.Payload);
            return usage.RootElement is { ValueKind: JsonValueKind.Object } fields && fields.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String && id.GetString() is { Length: <= LongestId } text ? text : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static DeadLetter? Read(byte[]? data)
    {
        try
        {
            return JsonSerializer.Deserialize(data, WireJson.Default.DeadLetter);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
