using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Sessions;
using Kgents.Api.Tickets;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Turns;

/// <summary>Look at a turn, follow it from any point, let a browser follow it, cancel it.</summary>
internal static class TurnEndpoints
{
    public static void MapTurns(this IEndpointRouteBuilder routes)
    {
        var turns = routes.MapGroup("/v1/kgent/sessions/{sessionId}/turns/{turnId}").WithTags("Turns");
        turns.MapGet("/", GetTurn).Describe(TurnOperations.Get).RequireScope(Scopes.Read);
        turns.MapGet("/events", FollowTurn).Describe(TurnOperations.Follow).RequireScope(Scopes.Read).WithMetadata(new AcceptsTicket());
        turns.MapPost("/ticket", IssueTicket).Describe(TurnOperations.Ticket).RequireScope(Scopes.Read);
        turns.MapPost("/cancel", CancelTurn).Describe(TurnOperations.Cancel).RequireScope(Scopes.Write);
    }

    private static async Task<Results<Ok<TurnResponse>, ProblemHttpResult>> GetTurn(
        string sessionId, string turnId, ClaimsPrincipal user, SessionStore sessions, TurnStore turns, CancellationToken cancellationToken)
    {
        var (turn, state, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        return problem is not null ? problem : TypedResults.Ok(TurnResponse.From(turn, state!, await turns.AttemptsAsync(turn, cancellationToken)));
    }

    private static async Task<IResult> FollowTurn(
        string sessionId,
        string turnId,
        HttpRequest request,
        ClaimsPrincipal user,
        SessionStore sessions,
        TurnStore turns,
        OpenStreams streams,
        TurnFeeds feeds,
        CancellationToken cancellationToken,
        string? after = null)
    {
        if (EventCursor.Read(request, after, out var cursor) is { } invalid)
        {
            return invalid;
        }

        var (turn, state, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        if (problem is not null)
        {
            return problem;
        }

        // Ids count through all turns, so a client may come with one that this turn has not reached: for it, this turn goes on from its end. A feed
        // that began beyond that would be no use to anybody else.
        var last = Math.Min(cursor ?? 0, state!.LastEntry?.Sequence ?? 0);

        // At the end already: 204 is what stops an EventSource from connecting again.
        return state.HasEnd && state.LastEntry?.Sequence <= last
            ? TypedResults.NoContent()
            : await streams.OpenAsync(request.HttpContext, turn.Tenant) is { } full ? full
            : new TurnStream(turn, feeds) { After = last, Expired = state.IsExpired ? state.Answer : null, LostThrough = state.LostThrough(last), Trace = state.Trace };
    }

    private static async Task<Results<Ok<TicketResponse>, ProblemHttpResult>> IssueTicket(
        string sessionId, string turnId, ClaimsPrincipal user, SessionStore sessions, TurnStore turns, StreamTickets tickets, CancellationToken cancellationToken)
    {
        var (turn, _, problem) = await FindAsync(sessionId, turnId, user, sessions, turns, cancellationToken);
        return problem is not null ? problem : TypedResults.Ok(await tickets.IssueAsync(turn, user.Key(), cancellationToken));
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

        var turn = new TurnAddress(user.Tenant(), session, id);
        var (record, found) = (sessions.FindAsync(turn.Tenant, session, cancellationToken), turns.FindAsync(turn, cancellationToken));
        await Task.WhenAll(record, found);
        return await record is null ? (turn, null, Problem.SessionNotFound)
            : await found is { } state ? (turn, state, null)
            : (turn, null, Problem.TurnNotFound);
    }
}
