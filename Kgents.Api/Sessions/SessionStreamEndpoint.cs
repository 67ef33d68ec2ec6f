using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Requests;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>Follow a session: all its turns on one connection.</summary>
internal static class SessionStreamEndpoint
{
    public static void MapSessionStream(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/v1/kgent/sessions/{sessionId}/events", FollowSession).Describe(SessionOperations.Follow).RequireScope(Scopes.Read).WithTags("Sessions");

    private static async Task<IResult> FollowSession(
        string sessionId,
        HttpRequest request,
        ClaimsPrincipal user,
        SessionStore sessions,
        SessionLog log,
        OpenStreams streams,
        TurnFeeds feeds,
        CancellationToken cancellationToken,
        string? after = null)
    {
        if (EventCursor.Read(request, after, out var cursor) is { } invalid)
        {
            return invalid;
        }

        if (!SessionId.TryParse(sessionId, null, out var id))
        {
            return Problem.Invalid(400, "sessionId", "is not a session id");
        }

        var tenant = user.Tenant();
        if (await sessions.FindAsync(tenant, id, cancellationToken) is null)
        {
            return Problem.SessionNotFound;
        }

        return await streams.OpenAsync(request.HttpContext, tenant) is { } full
            ? full
            : new SessionStream(tenant, id, cursor, await log.FindStartAsync(tenant, id, cursor, cancellationToken), feeds);
    }
}
