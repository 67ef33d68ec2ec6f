namespace Kgents.Contracts;

/// <summary>NATS headers of a turn's log.</summary>
public static class TurnHeaders
{
    /// <summary>The kind of the event, see <see cref="TurnEventCodec"/>.</summary>
    public const string Event = "Kgents-Event";

    /// <summary>The random id of the run that wrote the entry and the entry's index in it: <c>{run}:{index}</c>. It tells one's own entry from another writer's.</summary>
    public const string Writer = "Kgents-Writer";
}
