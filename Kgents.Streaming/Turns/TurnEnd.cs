using Kgents.Contracts;

namespace Kgents.Streaming.Turns;

/// <summary>How a turn ends that nobody runs (any more).</summary>
internal readonly record struct TurnEnd(TurnStatus Status, string? ErrorCode)
{
    public static TurnEnd Cancelled { get; } = new(TurnStatus.Cancelled, null);

    public static TurnEnd Failed(string errorCode) => new(TurnStatus.Failed, errorCode);
}
