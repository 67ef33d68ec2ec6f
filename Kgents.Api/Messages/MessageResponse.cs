using Kgents.Contracts;

namespace Kgents.Api.Messages;

/// <summary>A stored message as clients see it.</summary>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Status">How the turn ended; only with an answer.</param>
/// <param name="FinishReason">Why the model ended; only with an answer that is whole.</param>
internal sealed record MessageResponse(
    string Id,
    SessionId SessionId,
    TurnId TurnId,
    string Role,
    string Content,
    DateTimeOffset CreatedAt,
    TurnStatus? Status = null,
    string? ErrorCode = null,
    string? Model = null,
    TokenCounts? Tokens = null,
    string? FinishReason = null)
{
    public static MessageResponse From(SessionId session, UserMessage message) =>
        new(message.Turn.UserMessageId, session, message.Turn, "user", message.Text, message.CreatedAt);

    public static MessageResponse From(SessionId session, AssistantMessage answer) => new(
        answer.Turn.AssistantMessageId, session, answer.Turn, "assistant", answer.Text, answer.CreatedAt, answer.Status, answer.ErrorCode, answer.Model, answer.Tokens, answer.FinishReason);
}

/// <summary>A page of messages, oldest first; <paramref name="Next"/> is the cursor of the next page.</summary>
internal sealed record MessagePage(IReadOnlyList<MessageResponse> Messages, string? Next);
