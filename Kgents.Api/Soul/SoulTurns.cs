using Kgents.Api.Idempotency;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Soul;

/// <summary>
/// Asks the soul once, as the first turn of a session made for it: a turn like any other, with its log, its fence, its usage and its take-over. Under an Idempotency-Key the
/// session is the key's, so a request that is sent again finds its turn there.
/// </summary>
internal sealed class SoulTurns(
    SessionStore sessions, MessageInbox inbox, TurnStore turns, TurnFollower follower, IHostApplicationLifetime lifetime)
{
    /// <param name="answer">Makes the answer of the request from that of the turn: its text, its tokens and who answered.</param>
    public async Task<IResult> AskAsync(
        TenantId tenant,
        IdempotencyKey? key,
        NewSession session,
        Func<SessionId, NewMessage> ask,
        Func<TurnAddress, string, TokenCounts, string, IResult> answer,
        CancellationToken cancellationToken)
    {
        var (acceptance, _) = await AcceptAsync(tenant, key, session, ask, cancellationToken);
        return acceptance switch
        {
            Acceptance.Stored stored => await TellAsync(stored, answer, cancellationToken),
            Acceptance.OverQuota over => new RetryLater(Problem.QuotaExceeded(over.Policy), over.RetryAfter),
            Acceptance.KeyReused => Problem.IdempotencyKeyReused,
            Acceptance.SessionGone => Problem.SessionNotFound,
            Acceptance.Busy => Problem.TurnInProgress(null),
            _ => throw new InvalidOperationException($"{acceptance} is no answer to the first message of a session."),
        };
    }

    /// <summary>Stores the first message of a session that is made for it.</summary>
    public async Task<(Acceptance Acceptance, NewMessage Message)> AcceptAsync(
        TenantId tenant, IdempotencyKey? key, NewSession session, Func<SessionId, NewMessage> ask, CancellationToken cancellationToken)
    {
        var id = key is null ? sessions.NewId() : SessionStore.IdOf(tenant, session.AgentType, key.ToString());
        var message = ask(id) with { PrepareAsync = StoreSessionAsync };
        return (await inbox.AcceptAsync(message, key, cancellationToken), message);

        async Task<Acceptance?> StoreSessionAsync(CancellationToken accepting)
        {
            await sessions.EnsureAsync(tenant, id, session, accepting);

            // Where the key's session was deleted there is none now: ids are never used again.
            return key is not null && await sessions.FindAsync(tenant, id, accepting) is null ? new Acceptance.SessionGone() : null;
        }
    }

    /// <summary>The answer of a turn whose message is stored, once it has ended.</summary>
    public async Task<IResult> TellAsync(Acceptance.Stored stored, Func<TurnAddress, string, TokenCounts, string, IResult> answer, CancellationToken cancellationToken) =>
        stored.Replayed ? new Replayed(await ReplayAsync(stored.Turn, answer, cancellationToken)) : await WaitAsync(stored.Turn, answer, cancellationToken);

    private async Task<IResult> ReplayAsync(TurnAddress turn, Func<TurnAddress, string, TokenCounts, string, IResult> answer, CancellationToken cancellationToken) =>
        (await turns.FindAsync(turn, cancellationToken))?.Answer is { } stored
            ? stored.Status == TurnStatus.Completed ? answer(turn, stored.Text, stored.Tokens, stored.Model) : StoredReply.From(turn.Session, stored)
            : await WaitAsync(turn, answer, cancellationToken);

    private Task<IResult> WaitAsync(TurnAddress turn, Func<TurnAddress, string, TokenCounts, string, IResult> answer, CancellationToken cancellationToken) => TurnReply.WaitAsync(
        turn, follower, (_, completed) => answer(turn, completed.Text, completed.Tokens, completed.Model), onDisconnect: null, lifetime.ApplicationStopping, cancellationToken);
}
