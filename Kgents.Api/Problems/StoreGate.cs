using NATS.Client.Core;

namespace Kgents.Api.Problems;

/// <summary>While NATS is away every request is refused at once, instead of after a timeout each.</summary>
internal sealed class StoreGate(RequestDelegate next, INatsConnection connection)
{
    public Task InvokeAsync(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/v1") && connection.ConnectionState != NatsConnectionState.Open
            ? FaultHandler.RespondUnavailableAsync(context)
            : next(context);
}
