using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Sessions;

/// <summary>Create, read and list sessions.</summary>
internal static class SessionEndpoints
{
    private const int LongestTitle = 200;
    private const int LargestBody = 16 * 1024;

    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/v1/kgent/sessions").RequireAuthorization().WithTags("Sessions");
        sessions.MapPost("/", CreateSession).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        sessions.MapGet("/", ListSessions);
        sessions.MapGet("/{sessionId}", GetSession);
    }

    private static async Task<Results<Created<SessionResponse>, ProblemHttpResult>> CreateSession(
        CreateSessionRequest? request, ClaimsPrincipal user, SessionStore sessions, CancellationToken cancellationToken)
    {
        if (Modes.Find(request?.Mode ?? DialogueModes.Reflect) is not { } mode)
        {
            return Modes.Unknown;
        }

        if (request?.Title is { Length: > LongestTitle })
        {
            return Problem.Invalid(422, "title", $"must not be longer than {LongestTitle} characters");
        }

        var session = await sessions.CreateAsync(ApiKeyAuthentication.TenantOf(user), request?.Title, mode, cancellationToken);
        return TypedResults.Created($"/v1/kgent/sessions/{session.Id}", SessionResponse.From(session, SessionTotals.None));
    }

    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> GetSession(
        string sessionId, ClaimsPrincipal user, SessionStore sessions, CancellationToken cancellationToken)
    {
        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        var tenant = ApiKeyAuthentication.TenantOf(user);
        return await sessions.FindAsync(tenant, id, cancellationToken) is { } session
            ? TypedResults.Ok(SessionResponse.From(session, await sessions.TotalsAsync(tenant, id, cancellationToken)))
            : Problem.SessionNotFound;
    }

    private static async Task<Results<Ok<SessionPage>, ProblemHttpResult>> ListSessions(
        ClaimsPrincipal user, SessionStore sessions, CancellationToken cancellationToken, string? limit = null, string? cursor = null)
    {
        if (Paging.Read(limit, cursor, cursorWhenAbsent: ulong.MaxValue, out var page) is { } problem)
        {
            return problem;
        }

        var tenant = ApiKeyAuthentication.TenantOf(user);
        var (records, next) = await sessions.ListAsync(tenant, page.Limit, page.Cursor, cancellationToken);
        var responses = await Task.WhenAll(records.Select(async record =>
            SessionResponse.From(record, await sessions.TotalsAsync(tenant, record.Id, cancellationToken))));
        return TypedResults.Ok(new SessionPage(responses, Paging.Text(next)));
    }
}
