using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>Changes what may change of a session.</summary>
internal sealed class SessionChanges(SessionStore sessions, SessionDetailsStore details)
{
    /// <summary>Null when the tenant has no such session.</summary>
    public async Task<SessionResponse?> ChangeAsync(TenantId tenant, SessionId id, ChangeSessionRequest request, CancellationToken cancellationToken)
    {
        if (await sessions.FindAsync(tenant, id, cancellationToken) is not { } session)
        {
            return null;
        }

        var changed = await details.ChangeAsync(tenant, id, before => request.ApplyTo(session, before), cancellationToken);
        if (await sessions.FindAsync(tenant, id, cancellationToken) is null)
        {
            // It was deleted meanwhile, and what is left of it may have been purged before this was stored.
            await details.RemoveAsync(tenant, id, cancellationToken);
            return null;
        }

        return SessionResponse.From(session, changed, await sessions.TotalsAsync(tenant, id, cancellationToken));
    }
}
