using Kgents.Api.Problems;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Messages;

/// <summary>Answers a message that was sent: with its turn from the beginning, whichever request it was that started it, or with why there is none.</summary>
internal sealed class MessageReply(TurnStore turns, Conversation conversation, TurnFollower follower, TurnFeeds feeds, IHostApplicationLifetime lifetime)
{
    /// <param name="onDisconnect">What is done when the client leaves before the turn has ended; null for nothing.</param>
    public async Task<IResult> AnswerAsync(
        Acceptance acceptance, NewMessage message, bool stream, Func<TurnAddress, Task>? onDisconnect, CancellationToken cancellationToken) => acceptance switch
        {
            Acceptance.Stored { Replayed: true } stored => new Replayed(await ReplayAsync(stored.Turn, stream, onDisconnect, cancellationToken)),
            Acceptance.Stored stored => await FollowAsync(stored.Turn, stream, state: null, onDisconnect, cancellationToken),
            Acceptance.Busy => Problem.TurnInProgress(await conversation.CurrentTurnAsync(message.Tenant, message.Session, cancellationToken)),
            Acceptance.QueueFull => Problem.QueueFull,
            Acceptance.OverQuota over => new RetryLater(Problem.QuotaExceeded(over.Policy), over.RetryAfter),
            Acceptance.KeyReused => Problem.IdempotencyKeyReused,
            Acceptance.SessionGone => Problem.SessionNotFound,
            _ => throw new InvalidOperationException($"{acceptance} has no answer."),
        };

    private async Task<IResult> ReplayAsync(TurnAddress turn, bool stream, Func<TurnAddress, Task>? onDisconnect, CancellationToken cancellationToken)
    {
        var state = await turns.FindAsync(turn, cancellationToken);
        return state?.Answer is { } answer && !stream
            ? StoredReply.From(turn.Session, answer)
            : await FollowAsync(turn, stream, state, onDisconnect, cancellationToken);
    }

    private async Task<IResult> FollowAsync(
        TurnAddress turn, bool stream, TurnState? state, Func<TurnAddress, Task>? onDisconnect, CancellationToken cancellationToken) => stream
        ? new TurnStream(turn, feeds) { Expired = state is { IsExpired: true } ? state.Answer : null, LostThrough = state?.LostThrough(cursor: 0), OnDisconnect = onDisconnect }
        : await TurnReply.WaitAsync(turn, follower, onDisconnect, lifetime.ApplicationStopping, cancellationToken);
}
