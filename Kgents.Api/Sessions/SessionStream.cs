using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>All turns of a session as one stream of Server-Sent Events. It has no end: it is there until the client leaves.</summary>
/// <param name="cursor">What the client asked for; null when it has seen nothing yet.</param>
internal sealed class SessionStream(TenantId tenant, SessionId session, ulong? cursor, SessionStart start) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext) => EventStream.RunAsync(httpContext, start.HasGap ? null : start.After, Begin, (body, cancellationToken) =>
        httpContext.RequestServices.GetRequiredService<TurnFeeds>().ViewAsync(new FollowedLog(tenant, session, Turn: null), start.After, default, body, cancellationToken));

    private void Begin(ViewerBody body)
    {
        if (start.HasGap)
        {
            TurnSse.WriteLogGap(body.Output, cursor ?? 0, start.After);
        }
    }
}
