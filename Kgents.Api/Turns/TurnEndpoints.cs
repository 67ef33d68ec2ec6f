using System.Globalization;
using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Api.Sessions;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Turns;

/// <summary>Look at a turn, follow it from any point, cancel it.</summary>
internal static class TurnEndpoints
{
    public static void MapTurns(this IEndpointRouteBuilder routes)
    {
        var turns = routes.MapGroup("/v1/kgent/sessions/{sessionId}/turns/{turnId}").RequireAuthorization().WithTags("Turns");
        turns.MapGet("/", GetTurn);
        turns.MapGet("/events", FollowTurn);
        turns.MapPost("/cancel", CancelTurn);
    }

    private static async Task<Results<Ok<TurnResponse>, ProblemHttpResult>> GetTurn(
        string sessionId, string turnId, ClaimsPrincipal user, SessionStore sessions, TurnStore turns, CancellationToken cancellationToken)
    {
        var (turn, state, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        return problem is not null ? problem : TypedResults.Ok(TurnResponse.From(turn, state!, await turns.AttemptsAsync(turn, cancellationToken)));
    }

    /// <summary>From the event after <c>Last-Event-ID</c>, or <c>?after=</c>, which a browser's EventSource can send with its first request.</summary>
    private static async Task<IResult> FollowTurn(
        string sessionId,
        string turnId,
        HttpRequest request,
        ClaimsPrincipal user,
        SessionStore sessions,
        TurnStore turns,
        OpenStreams streams,
        CancellationToken cancellationToken,
        string? after = null)
    {
        var cursor = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : after ?? "0";
        if (!ulong.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var last))
        {
            return Problem.Invalid(400, "after", "is not the id of an event (nor is Last-Event-ID)");
        }

        var (turn, state, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        if (problem is not null)
        {
            return problem;
        }

        // Ids count through all turns, so a client may come with one that this turn has not reached: for it, this turn goes on from its end. A feed
        // that began beyond that would be no use to anybody else.
        last = Math.Min(last, state!.LastEntry?.Sequence ?? 0);

        // At the end already: 204 is what stops an EventSource from connecting again.
        return state.IsFinished && state.LastEntry?.Sequence <= last
            ? TypedResults.NoContent()
            : streams.Open(request.HttpContext, turn.Tenant) is { } full ? full
            : new TurnStream(turn) { After = last, Expired = state.IsExpired ? state.Answer : null };
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> CancelTurn(
        string sessionId, string turnId, ClaimsPrincipal user, SessionStore sessions, TurnStore turns, TurnCanceller canceller, CancellationToken cancellationToken)
    {
        var (turn, state, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        if (problem is not null)
        {
            return problem;
        }

        if (state!.Decided is { } end and not TurnStatus.Cancelled)
        {
            return Problem.TurnFinished(turn.Turn, end);
        }

        if (state.Decided is null)
        {
            await canceller.CancelAsync(turn, cancellationToken);
        }

        return TypedResults.Accepted($"/v1/kgent/sessions/{turn.Session}/turns/{turn.Turn}");
    }

    private static async Task<(TurnAddress Turn, TurnState? State, ProblemHttpResult? Problem)> FindAsync(
        string sessionId, string turnId, ClaimsPrincipal user, SessionStore sessions, TurnStore turns, CancellationToken cancellationToken)
    {
        if (!SessionId.TryParse(sessionId, null, out var session))
        {
            return (default, null, Problem.Invalid(400, "sessionId", "is not a session id"));
        }

        if (!TurnId.TryParse(turnId, null, out var id))
        {
            return (default, null, Problem.Invalid(400, "turnId", "is not a turn id"));
        }

        var turn = new TurnAddress(ApiKeyAuthentication.TenantOf(user), session, id);
        return await sessions.FindAsync(turn.Tenant, session, cancellationToken) is null ? (turn, null, Problem.SessionNotFound)
            : await turns.FindAsync(turn, cancellationToken) is { } state ? (turn, state, null)
            : (turn, null, Problem.TurnNotFound);
    }
}
