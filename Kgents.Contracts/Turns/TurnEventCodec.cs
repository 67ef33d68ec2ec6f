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
    public const string Restarted = "restarted";
    public const string HandedOver = "handed_over";
    public const string Committed = "commit";
    public const string Completed = "complete";
    public const string Failed = "error";
    public const string Cancelled = "cancelled";

    public static string KindOf(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted => Accepted,
        TurnChunk => Chunk,
        TurnRestarted => Restarted,
        TurnHandedOver => HandedOver,
        TurnCommitted => Committed,
        TurnCompleted => Completed,
        TurnFailed => Failed,
        TurnCancelled => Cancelled,
        _ => throw new InvalidOperationException($"{turnEvent.GetType().Name} has no kind."),
    };

    public static bool IsTerminal(string kind) => kind is Completed or Failed or Cancelled;

    public static byte[] Encode(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnAccepted),
        TurnChunk e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnChunk),
        TurnRestarted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnRestarted),
        TurnHandedOver e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnHandedOver),
        TurnCommitted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCommitted),
        TurnCompleted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCompleted),
        TurnFailed e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnFailed),
        TurnCancelled e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCancelled),
        _ => throw new InvalidOperationException($"{turnEvent.GetType().Name} has no encoding."),
    };

    /// <summary>Null for a kind of another version: whoever reads a log leaves out what it does not know.</summary>
    /// <exception cref="JsonException">The payload is not of its kind.</exception>
    public static TurnEvent? Decode(string kind, ReadOnlySpan<byte> payload) => kind switch
    {
        Accepted => Read(payload, WireJson.Default.TurnAccepted),
        Chunk => Read(payload, WireJson.Default.TurnChunk),
        Restarted => Read(payload, WireJson.Default.TurnRestarted),
        HandedOver => Read(payload, WireJson.Default.TurnHandedOver),
        Committed => Read(payload, WireJson.Default.TurnCommitted),
        Completed => Read(payload, WireJson.Default.TurnCompleted),
        Failed => Read(payload, WireJson.Default.TurnFailed),
        Cancelled => Read(payload, WireJson.Default.TurnCancelled),
        _ => null,
    };

    private static TEvent Read<TEvent>(ReadOnlySpan<byte> payload, JsonTypeInfo<TEvent> type)
        where TEvent : TurnEvent => JsonSerializer.Deserialize(payload, type) ?? throw new JsonException($"This is not a {typeof(TEvent).Name}.");
}
