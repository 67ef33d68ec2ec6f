using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kgents.Api.Sessions;

/// <summary>Create, read, list and delete sessions.</summary>
internal static class SessionEndpoints
{
    private const int LargestBody = 64 * 1024;

    /// <summary>In a listing: whatever its status.</summary>
    public const string AnyStatus = "any";

    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/v1/kgent/sessions").WithTags("Sessions");
        sessions.MapPost("/", CreateSession).Describe(SessionOperations.Create).RequireScope(Scopes.Write).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        sessions.MapGet("/", ListSessions).Describe(SessionOperations.List).RequireScope(Scopes.Read);
        sessions.MapGet("/{sessionId}", GetSession).Describe(SessionOperations.Get).RequireScope(Scopes.Read);
        sessions.MapPatch("/{sessionId}", ChangeSession).Describe(SessionOperations.Change).RequireScope(Scopes.Write).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        sessions.MapDelete("/{sessionId}", DeleteSession).Describe(SessionOperations.Delete).RequireScope(Scopes.Write);
    }

    private static async Task<Results<Created<SessionResponse>, ProblemHttpResult>> CreateSession(
        CreateSessionRequest? request, ClaimsPrincipal user, SessionStore sessions, AllowedModels models, PlanCatalog plans, CancellationToken cancellationToken)
    {
        if (Modes.Find(request?.Mode ?? DialogueModes.Reflect) is not { } mode)
        {
            return Modes.Unknown;
        }

        if (plans.ReadBudget(user.Tenant(), request?.Budget, out var budget) is { } notABudget)
        {
            return notABudget;
        }

        if (Characters.Read(request?.Eigenvectors, out var character) is { } notACharacter)
        {
            return notACharacter;
        }

        if (request?.Validate() is { } problem)
        {
            return problem;
        }

        if ((models.Validate(request?.Model) ?? plans.ValidateModel(user.Tenant(), request?.Model)) is { } notAllowed)
        {
            return notAllowed;
        }

        var session = await sessions.CreateAsync(user.Tenant(), new NewSession(request?.Title, mode, request?.Model, budget, character) { Metadata = request?.Metadata }, cancellationToken);
        return TypedResults.Created($"/v1/kgent/sessions/{session.Id}", SessionResponse.From(session, details: null, SessionTotals.None));
    }

    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> GetSession(
        string sessionId, ClaimsPrincipal user, SessionStore sessions, SessionDetailsStore details, CancellationToken cancellationToken)
    {
        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        var tenant = user.Tenant();
        var changed = details.FindAsync(tenant, id, cancellationToken);
        return await sessions.FindAsync(tenant, id, cancellationToken) is { } session
            ? TypedResults.Ok(SessionResponse.From(session, await changed, await sessions.TotalsAsync(tenant, id, cancellationToken)))
            : Problem.SessionNotFound;
    }

    private static async Task<Results<Ok<SessionResponse>, ProblemHttpResult>> ChangeSession(
        string sessionId, ChangeSessionRequest request, ClaimsPrincipal user, SessionChanges changes, CancellationToken cancellationToken)
    {
        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        if (request.Validate() is { } problem)
        {
            return problem;
        }

        return await changes.ChangeAsync(user.Tenant(), id, request, cancellationToken) is { } session ? TypedResults.Ok(session) : Problem.SessionNotFound;
    }

    private static async Task<Results<Ok<SessionPage>, ProblemHttpResult>> ListSessions(
        ClaimsPrincipal user, SessionStore sessions, SessionListing listing, CancellationToken cancellationToken, string? limit = null, string? cursor = null, string? status = null)
    {
        if (Paging.Read(limit, cursor, cursorWhenAbsent: ulong.MaxValue, out var page) is { } problem)
        {
            return problem;
        }

        if (status is not (null or SessionStatuses.Active or SessionStatuses.Archived or AnyStatus))
        {
            return Problem.Invalid(400, "status", $"must be {SessionStatuses.Active}, {SessionStatuses.Archived} or {AnyStatus}");
        }

        var tenant = user.Tenant();
        var (found, next) = await listing.ReadAsync(tenant, status == AnyStatus ? null : status == SessionStatuses.Archived, page.Limit, page.Cursor, cancellationToken);
        var responses = await Task.WhenAll(found.Select(async session =>
            SessionResponse.From(session.Record, session.Details, await sessions.TotalsAsync(tenant, session.Record.Id, cancellationToken))));
        return TypedResults.Ok(new SessionPage(responses, Paging.Text(next)));
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> DeleteSession(
        string sessionId, ClaimsPrincipal user, SessionDeletion deletion, CancellationToken cancellationToken)
    {
        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        return await deletion.DeleteAsync(user.Tenant(), id, cancellationToken) ? TypedResults.Accepted((string?)null) : Problem.SessionNotFound;
    }
}
