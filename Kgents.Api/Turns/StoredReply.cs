using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as one answer, told from the stored one alone, which stays when the log is gone: the same that <see cref="TurnReply"/> gives.</summary>
internal static class StoredReply
{
    public static IResult From(SessionId session, AssistantMessage answer) => answer.Status switch
    {
        TurnStatus.Completed => TypedResults.Ok(MessageResponse.From(session, answer)),
        TurnStatus.Failed => Problem.TurnFailed(new TurnFailed(answer.ErrorCode!, TurnErrorTexts.Of(answer.ErrorCode!)), answer.Turn),
        TurnStatus.Cancelled => Problem.TurnCancelled(answer.Turn),
        _ => throw new InvalidOperationException($"{answer.Status} is not an end of a turn."),
    };
}
