using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kgents.Contracts;

/// <summary>
/// A turn event as a NATS message: its kind in the header <see cref="TurnHeaders.Event"/>, its JSON as the payload. What a client sees of it
/// is that payload unchanged (all but <see cref="TurnCommitted"/>), so it is encoded once.
/// </summary>
public static class TurnEventCodec
{
    public const string Accepted = "accepted";
    public const string Chunk = "chunk";
    public const string Usage = "usage";
    public const string Restarted = "restarted";
    public const string HandedOver = "handed_over";
    public const string Committed = "commit";
    public const string Completed = "complete";
    public const string Failed = "error";
    public const string Cancelled = "cancelled";

    /// <summary>Those that come most often first.</summary>
    private static readonly string[] Kinds = [Chunk, Accepted, Usage, Restarted, HandedOver, Committed, Completed, Failed, Cancelled];

    public static string KindOf(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted => Accepted,
        TurnChunk => Chunk,
        TurnUsage => Usage,
        TurnRestarted => Restarted,
        TurnHandedOver => HandedOver,
        TurnCommitted => Committed,
        TurnCompleted => Completed,
        TurnFailed => Failed,
        TurnCancelled => Cancelled,
        _ => throw new InvalidOperationException($"{turnEvent.GetType().Name} has no kind."),
    };

    /// <summary>The kind that these bytes name; null when it is of another version.</summary>
    public static string? FindKind(ReadOnlySpan<byte> name)
    {
        foreach (var kind in Kinds)
        {
            if (Ascii.Equals(name, kind))
            {
                return kind;
            }
        }

        return null;
    }

    public static bool IsTerminal(string kind) => kind is Completed or Failed or Cancelled;

    public static byte[] Encode(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnAccepted),
        TurnChunk e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnChunk),
        TurnUsage e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnUsage),
        TurnRestarted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnRestarted),
        TurnHandedOver e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnHandedOver),
        TurnCommitted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCommitted),
        TurnCompleted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCompleted),
        TurnFailed e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnFailed),
        TurnCancelled e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCancelled),
        _ => throw new InvalidOperationException($"{turnEvent.GetType().Name} has no encoding."),
    };

    /// <summary>
    /// False when the payload is not of its kind. Null for a kind of another version. Whoever reads a log uses this: an entry that cannot be read must
    /// stop neither the turn's session nor its viewers.
    /// </summary>
    public static bool TryDecode(string kind, ReadOnlySpan<byte> payload, out TurnEvent? turnEvent)
    {
        try
        {
            turnEvent = Decode(kind, payload);
            return true;
        }
        catch (JsonException)
        {
            turnEvent = null;
            return false;
        }
    }

    /// <summary>Whether these are the bytes of a chunk, without making one: it is asked for each event of each turn that is followed.</summary>
    public static bool IsChunk(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            var hasText = false;
            if (payload.ContainsAny((byte)'\r', (byte)'\n') || !reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isText = reader.ValueTextEquals("text"u8);
                var isIndex = reader.ValueTextEquals("index"u8);
                reader.Read();
                if ((isText && reader.TokenType != JsonTokenType.String) || (isIndex && !(reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out _))))
                {
                    return false;
                }

                hasText |= isText;
                reader.Skip();
            }

            return hasText && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Null for a kind of another version: whoever reads a log leaves out what it does not know.</summary>
    /// <exception cref="JsonException">The payload is not of its kind.</exception>
    public static TurnEvent? Decode(string kind, ReadOnlySpan<byte> payload) => kind switch
    {
        Accepted => Read(payload, WireJson.Default.TurnAccepted),
        Chunk => Read(payload, WireJson.Default.TurnChunk),
        Usage => Read(payload, WireJson.Default.TurnUsage),
        Restarted => Read(payload, WireJson.Default.TurnRestarted),
        HandedOver => Read(payload, WireJson.Default.TurnHandedOver),
        Committed => Read(payload, WireJson.Default.TurnCommitted),
        Completed => Read(payload, WireJson.Default.TurnCompleted),
        Failed => Read(payload, WireJson.Default.TurnFailed),
        Cancelled => Read(payload, WireJson.Default.TurnCancelled),
        _ => null,
    };

    private static TEvent Read<TEvent>(ReadOnlySpan<byte> payload, JsonTypeInfo<TEvent> type)
        where TEvent : TurnEvent =>
        !payload.ContainsAny((byte)'\r', (byte)'\n') && JsonSerializer.Deserialize(payload, type) is { } turnEvent && IsWhole(turnEvent)
            ? turnEvent
            : throw new JsonException($"This is not a {typeof(TEvent).Name}.");

    /// <summary>JSON that lacks a field gives null for it, and a number gives a status that does not exist.</summary>
    private static bool IsWhole(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted e => e.Model is not null,
        TurnChunk e => e.Text is not null,
        TurnUsage e => e.Tokens is not null,
        TurnCommitted e => e is { MessageId: not null, TextHash: not null, Model: not null, Tokens: not null, UsageEvents: not null }
            && (e.Status == TurnStatus.Failed ? e.ErrorCode is not null : Enum.IsDefined(e.Status))
            && e.UsageEvents.All(usage => usage is { Id: not null, Json: not null })
            && e.Decision is null or { Proposed.Action: not null, Judgement.Recommendation: not null },
        TurnCompleted e => e is { Text: not null, Tokens: not null, MessageId: not null, Model: not null },
        TurnFailed e => e is { Code: not null, Message: not null },
        TurnCancelled e => e is { MessageId: not null, Tokens: not null },
        _ => true,
    };
}
