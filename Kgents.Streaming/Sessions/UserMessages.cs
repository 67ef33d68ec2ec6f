using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Streaming.Sessions;

/// <summary>Reads stored user messages, also those that some other version of Kgents wrote.</summary>
internal static class UserMessages
{
    /// <summary>Null when the bytes are not a user message that this version can run.</summary>
    public static UserMessage? TryRead(ReadOnlySpan<byte> payload)
    {
        try
        {
            var message = JsonSerializer.Deserialize(payload, WireJson.Default.UserMessage);
            return message is { N: > 0, Text: not null, Mode: { } mode } && message.Turn != default && DialogueModes.Find(mode) == mode ? message : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The turn that a message names which cannot be read otherwise; null when not even that can be found.</summary>
    public static TurnId? FindTurn(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var json = JsonDocument.Parse(payload);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("turn", out var turn)
                && turn.ValueKind == JsonValueKind.String && TurnId.TryParse(turn.GetString(), null, out var id) ? id : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
