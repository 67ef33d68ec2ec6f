namespace Kgents.Contracts;

/// <summary>Consumers that another process asks about.</summary>
public static class Consumers
{
    /// <summary>The queue of turns.</summary>
    public const string TurnWorkers = "turn-workers";
}
