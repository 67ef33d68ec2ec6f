using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Api.Sessions;

/// <summary>
/// Deletes a session: first the order is stored, which a worker carries out whoever dies, then the record gets its mark, after which the session is
/// not there any more for anybody.
/// </summary>
internal sealed class SessionDeletion(JetStreamReader reader, DeletedSessions deleted, DeletionOrders orders)
{
    private static readonly string Records = Subjects.KeyValueStream(Buckets.Sessions);

    /// <summary>May be called again. False when the tenant never had such a session.</summary>
    public async Task<bool> DeleteAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        if (await reader.LastAsync(Records, Subjects.SessionRecord(tenant, session), cancellationToken) is not { } record)
        {
            return false;
        }

        // Whoever set the mark, if it is there, had stored the order before.
        if (record.Data.Length > 0)
        {
            await orders.PlaceAsync(tenant, session, cancellationToken);
            await deleted.AddAsync(tenant, session, cancellationToken);
        }

        return true;
    }

    /// <summary>
    /// To be asked after a message was stored. True when its session was deleted before: then nobody may follow the message, and it is purged, by an
    /// order that is new, since the worker may be done with the old one. False: whoever deletes the session from now on finds the message.
    /// </summary>
    public async Task<bool> HasOvertakenAsync(TenantId tenant, SessionId session, CancellationToken cancellationToken)
    {
        // Only the mark says so: a record that was lost is no reason to purge a session.
        if (!await deleted.ContainsAsync(tenant, session, cancellationToken))
        {
            return false;
        }

        await orders.PlaceAsync(tenant, session, cancellationToken);
        return true;
    }
}
