using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as clients see it.</summary>
/// <param name="State"><c>queued</c>, <c>running</c>, or how it ended: <c>completed</c>, <c>failed</c>, <c>cancelled</c>.</param>
/// <param name="Attempt">How often a worker began it; 0 while it waits, and once its log has expired.</param>
/// <param name="LastEventId">The id of its last event so far.</param>
internal sealed record TurnResponse(
    TurnId Id, SessionId SessionId, string State, int Attempt, string? Model, TokenCounts? Tokens, string? ErrorCode, string? MessageId, string? LastEventId)
{
    public static TurnResponse From(TurnAddress turn, TurnState state, int attempts) => new(
        turn.Turn,
        turn.Session,
        state.Answer is { } ended ? NameOf(ended.Status) : state.LastEntry is null ? "queued" : "running",
        attempts,
        state.Answer?.Model,
        state.Answer?.Tokens,
        state.Answer?.ErrorCode,
        state.Answer is null ? null : turn.Turn.AssistantMessageId,
        Requests.Paging.Text(state.LastEntry?.Sequence));

    public static string NameOf(TurnStatus status) => status switch
    {
        TurnStatus.Completed => "completed",
        TurnStatus.Failed => "failed",
        TurnStatus.Cancelled => "cancelled",
        _ => throw new InvalidOperationException($"{status} is not an end of a turn."),
    };
}
