namespace Kgents.Contracts;

/// <summary>How a turn ended, once for every turn, whatever became of it. The next turn of the session waits for it.</summary>
/// <param name="UserSequence">The stream sequence of the user message; with it the chain holds even for a message that cannot be read.</param>
/// <param name="Text">The answer; what there was of it when the turn failed; possibly empty.</param>
/// <param name="ErrorCode">Why it did not complete; null when it did.</param>
public sealed record AssistantMessage(
    TurnId Turn,
    long N,
    ulong UserSequence,
    TurnStatus Status,
    string Text,
    string Model,
    TokenCounts Tokens,
    string? ErrorCode,
    DateTimeOffset CreatedAt,
    SessionTotals Totals)
{
    /// <summary>One of <see cref="FinishReasons"/>; null when the turn did not complete.</summary>
    public string? FinishReason { get; init; }
}
