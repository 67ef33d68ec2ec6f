using System.Text.Json;

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
    public const string Committed = "commit";
    public const string Completed = "complete";
    public const string Failed = "error";
    public const string Cancelled = "cancelled";

    public static string KindOf(TurnEvent turnEvent) => turnEvent switch
    {
        TurnAccepted => Accepted,
        TurnChunk => Chunk,
        TurnRestarted => Restarted,
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
        TurnCommitted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCommitted),
        TurnCompleted e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCompleted),
        TurnFailed e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnFailed),
        TurnCancelled e => JsonSerializer.SerializeToUtf8Bytes(e, WireJson.Default.TurnCancelled),
        _ => throw new InvalidOperationException($"{turnEvent.GetType().Name} has no encoding."),
    };

    /// <exception cref="JsonException">The kind is unknown or the payload is not of it.</exception>
    public static TurnEvent Decode(string kind, ReadOnlySpan<byte> payload) => kind switch
    {
        Accepted => JsonSerializer.Deserialize(payload, WireJson.Default.TurnAccepted)!,
        Chunk => JsonSerializer.Deserialize(payload, WireJson.Default.TurnChunk)!,
        Restarted => JsonSerializer.Deserialize(payload, WireJson.Default.TurnRestarted)!,
        Committed => JsonSerializer.Deserialize(payload, WireJson.Default.TurnCommitted)!,
        Completed => JsonSerializer.Deserialize(payload, WireJson.Default.TurnCompleted)!,
        Failed => JsonSerializer.Deserialize(payload, WireJson.Default.TurnFailed)!,
        Cancelled => JsonSerializer.Deserialize(payload, WireJson.Default.TurnCancelled)!,
        _ => throw new JsonException($"'{kind}' is not a kind of turn event."),
    };
}
