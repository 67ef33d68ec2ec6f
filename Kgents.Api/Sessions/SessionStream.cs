using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>All turns of a session as one stream of Server-Sent Events. It has no end: it is there until the client leaves.</summary>
/// <param name="cursor">What the client asked for; null when it has seen nothing yet.</param>
internal sealed class SessionStream(TenantId tenant, SessionId session, ulong? cursor, SessionStart start, TurnFeeds feeds) : EventStream
{
    public override ulong? Start => start.HasGap ? null : start.After;

    public override void Begin(ViewerBody body)
    {
        if (start.HasGap)
        {
            TurnSse.WriteLogGap(body, cursor ?? 0, start.After);
        }
    }

    public override Task FollowAsync(ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken) =>
        feeds.ViewAsync(new FollowedLog(tenant, session, Turn: null), start.After, default, body, stopping, cancellationToken);
}
