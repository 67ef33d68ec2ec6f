using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as one answer: waits for its terminal event.</summary>
internal static class TurnReply
{
    public static async Task<IResult> WaitAsync(TurnAddress turn, TurnFollower follower, Func<TurnAddress, Task>? onDisconnect, CancellationToken stopping, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        try
        {
            return await WaitAsync(turn, follower, end.Token);
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

    private static async Task<IResult> WaitAsync(TurnAddress turn, TurnFollower follower, CancellationToken cancellationToken)
    {
        TurnCommitted? commit = null;
        await foreach (var batch in follower.FollowAsync(turn, after: 0, cancellationToken))
        {
            foreach (var entry in batch.Where(entry => entry.Header(TurnHeaders.Event) is not TurnEventCodec.Chunk))
            {
                switch (TurnEventCodec.Decode(entry.Header(TurnHeaders.Event) ?? "", entry.Data.Span))
                {
                    case TurnCommitted committed:
                        commit = committed;
                        break;
                    case TurnCompleted completed:
                        return TypedResults.Ok(new MessageResponse(
                            completed.MessageId, turn.Session, turn.Turn, "assistant", completed.Text, commit!.CommittedAt, TurnStatus.Completed, null, completed.Model, completed.Tokens));
                    case TurnFailed failed:
                        return Problem.TurnFailed(failed, turn.Turn);
                    case TurnCancelled:
                        return Problem.TurnCancelled(turn.Turn);
                    default:
                        break;
                }
            }
        }

        throw new InvalidOperationException($"The log of turn {turn.Turn} ended without an end.");
    }
}
