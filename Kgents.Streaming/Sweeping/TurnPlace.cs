using Kgents.Streaming.Turns;

namespace Kgents.Streaming.Sweeping;

/// <summary>Where a turn stands in its session. The hierarchy is closed.</summary>
internal abstract record TurnPlace
{
    private TurnPlace()
    {
    }

    /// <summary>The next answer of the session is its.</summary>
    /// <param name="IsQueued">The queue will bring its message to a worker.</param>
    public sealed record Open(QueuedTurn Turn, bool IsQueued) : TurnPlace;

    public sealed record Answered : TurnPlace;

    /// <summary>Other turns come before it.</summary>
    public sealed record Waiting : TurnPlace;

    /// <summary>Its session is deleted: the log should not be there.</summary>
    public sealed record Deleted : TurnPlace;
}
