namespace Kgents.ServiceDefaults.Nats;

/// <summary>What became of a fenced append.</summary>
/// <param name="Sequence">Where it is stored; 0 when it is not.</param>
/// <param name="Winner">The other writer's message that took its place, if that is why.</param>
public readonly record struct FencedResult(ulong Sequence, StoredEntry? Winner)
{
    public bool IsStored => Sequence > 0;

    /// <summary>All messages of the subject were removed while this writer was at work.</summary>
    public static FencedResult SubjectGone { get; } = new(0, null);

    public static FencedResult Stored(ulong sequence) => new(sequence, null);

    public static FencedResult Lost(StoredEntry winner) => new(0, winner);
}
