using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Idempotency;

/// <summary>Answers a message that was sent under a key: with its turn from the beginning, whichever request it was that started it.</summary>
internal sealed class IdempotentPost(IdempotentAcceptance acceptance, TurnStore turns, Conversation conversation, TurnFollower follower, IHostApplicationLifetime lifetime)
{
    /// <param name="accepting">Ends when the store takes too long to say what is stored.</param>
    public async Task<IResult> AnswerAsync(
        KeyedMessage message, bool stream, Func<TurnAddress, Task>? onDisconnect, CancellationToken accepting, CancellationToken cancellationToken)
    {
        switch (await acceptance.AcceptAsync(message, accepting))
        {
            case Acceptance.Stored { Replayed: true } stored:
                var state = await turns.FindAsync(stored.Turn, cancellationToken);
                return new Replayed(state?.Answer is { } answer && !stream
                    ? StoredReply.From(message.Session, answer)
                    : await FollowAsync(stored.Turn, stream, state is { IsExpired: true } ? state.Answer : null, onDisconnect, cancellationToken));
            case Acceptance.Stored stored:
                return await FollowAsync(stored.Turn, stream, expired: null, onDisconnect, cancellationToken);
            case Acceptance.KeyReused:
                return Problem.IdempotencyKeyReused;
            default:
                return Problem.TurnInProgress(await conversation.CurrentTurnAsync(message.Tenant, message.Session, cancellationToken));
        }
    }

    private async Task<IResult> FollowAsync(
        TurnAddress turn, bool stream, AssistantMessage? expired, Func<TurnAddress, Task>? onDisconnect, CancellationToken cancellationToken) => stream
        ? new TurnStream(turn) { Expired = expired, OnDisconnect = onDisconnect }
        : await TurnReply.WaitAsync(turn, follower, onDisconnect, lifetime.ApplicationStopping, cancellationToken);

    /// <summary>Says that the answer is that of an earlier request.</summary>
    private sealed class Replayed(IResult answer) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers["Idempotency-Replayed"] = "true";
            return answer.ExecuteAsync(httpContext);
        }
    }
}
