using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Api.Problems;

/// <summary>
/// While NATS is away every request is refused at once, instead of after a timeout each; and also while what this replica knows of keys and
/// tenants may be old: one that was revoked must not work for longer because nobody could tell.
/// </summary>
internal sealed class StoreGate(RequestDelegate next, INatsConnection connection, BucketView<ApiKeyRecord> keys, BucketView<TenantRecord> tenants)
{
    public Task InvokeAsync(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/v1") && (connection.ConnectionState != NatsConnectionState.Open || !keys.IsFresh || !tenants.IsFresh)
            ? FaultHandler.RespondUnavailableAsync(context)
            : next(context);
}
