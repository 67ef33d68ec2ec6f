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
}
