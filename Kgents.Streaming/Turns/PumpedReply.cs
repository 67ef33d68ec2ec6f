using Kgents.Flux;

namespace Kgents.Streaming.Turns;

/// <summary>What the model said, all of it in the log.</summary>
/// <param name="TooLong">The answer passed the limit and was cut off there.</param>
/// <param name="Cancelled">Somebody cancelled the turn; the text is what was relayed before.</param>
/// <param name="Fault">Why the model broke off; null when it came to its end.</param>
internal sealed record PumpedReply(string Text, int Chunks, bool TooLong, FluxMetadata? Metadata = null, bool Cancelled = false, Exception? Fault = null)
{
    /// <summary>When the first of it was in the log, as a timestamp of the clock; null when there was none.</summary>
    public long? FirstStored { get; init; }

    /// <summary>Cancelled before the model was called.</summary>
    public static PumpedReply NeverAsked { get; } = new("", 0, TooLong: false, Cancelled: true);
}
