namespace Kgents.Streaming.Turns;

/// <summary>Another worker has this turn now, or its session is gone. Who sees this touches neither the log nor the queue message again.</summary>
internal sealed class FenceLostException(string message) : Exception(message);
