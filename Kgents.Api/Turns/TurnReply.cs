using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as one answer: waits for its terminal event.</summary>
internal static class TurnReply
{
    public static Task<IResult> WaitAsync(TurnAddress turn, TurnFollower follower, Func<TurnAddress, Task>? onDisconnect, CancellationToken stopping, CancellationToken cancellationToken) =>
        WaitAsync(turn, follower, (commit, completed) => TypedResults.Ok(new MessageResponse(
            completed.MessageId, turn.Session, turn.Turn, "assistant", completed.Text, commit.CommittedAt, TurnStatus.Completed, null, completed.Model, completed.Tokens, completed.FinishReason)), onDisconnect, stopping, cancellationToken);

    /// <param name="answer">Makes the answer of a turn that was completed.</param>
    public static async Task<IResult> WaitAsync(
        TurnAddress turn,
        TurnFollower follower,
        Func<TurnCommitted, TurnCompleted, IResult> answer,
        Func<TurnAddress, Task>? onDisconnect,
        CancellationToken stopping,
        CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        try
        {
            return await WaitAsync(turn, follower, answer, end.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return Problem.Stopping(turn.Turn);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && onDisconnect is not null)
        {
            await onDisconnect(turn);
            throw;
        }
    }

    private static async Task<IResult> WaitAsync(TurnAddress turn, TurnFollower follower, Func<TurnCommitted, TurnCompleted, IResult> answer, CancellationToken cancellationToken)
    {
        TurnCommitted? commit = null;
        await foreach (var batch in follower.FollowAsync(turn, after: 0, cancellationToken))
        {
            foreach (var entry in batch.Where(entry => entry.Kind is not TurnEventCodec.Chunk))
            {
                switch (TurnEventCodec.TryDecode(entry.Kind, entry.Data.Span, out var turnEvent) ? turnEvent : null)
                {
                    case TurnCommitted committed:
                        commit = committed;
                        break;
                    case TurnCompleted completed when commit is not null:
                        return answer(commit, completed);
                    case TurnFailed failed:
                        return Problem.TurnFailed(failed, turn.Turn);
                    case TurnCancelled:
                        return Problem.TurnCancelled(turn.Turn);
                    case var _ when TurnEventCodec.IsTerminal(entry.Kind):
                        return Problem.TurnFailed(TurnSse.Unreadable, turn.Turn);
                    default:
                        break;
                }
            }
        }

        // Only the deletion of its session takes a turn's end away.
        return Problem.SessionNotFound;
    }
}
