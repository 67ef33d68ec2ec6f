namespace Kgents.Contracts;

/// <summary>What an operator asks of metering, on <see cref="Subjects.UsageOperations"/>.</summary>
/// <param name="Kind">One of <see cref="UsageOperationKinds"/>.</param>
/// <param name="Sequence">Of the event in <c>KGENTS_USAGE</c>; of a list, where it goes on, as the one before said; 0 for the first.</param>
public sealed record UsageOperation(string Kind, ulong Sequence)
{
    /// <summary>Of a list: how many.</summary>
    public int? Limit { get; init; }

    public string? Reason { get; init; }

    /// <summary>Of a correction: the operator's own name for it.</summary>
    public string? Reference { get; init; }

    /// <summary>Of a correction: what is taken back, as decimal strings; null for all that is left.</summary>
    public IReadOnlyDictionary<string, string>? Quantities { get; init; }
}

/// <summary>What may be asked.</summary>
public static class UsageOperationKinds
{
    public const string List = "list";
    public const string Inspect = "inspect";
    public const string Replay = "replay";
    public const string Discard = "discard";
    public const string Correct = "correct";
}
