using Kgents.Api.Limits;
using Kgents.Api.Telemetry;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>
/// Sends each stream until all is sent, its client leaves, or the process stops. First of all middleware, and last: a stream is begun when everything behind has returned, and what the
/// request needed to be let in is given up when it has begun: thousands of streams wait for hours. A fault while it is begun is a 500 without a body, and later one the end of the connection; both are logged by Kestrel.
/// </summary>
internal sealed class EventStreams(
    RequestDelegate next, ApiMetrics metrics, IHostApplicationLifetime lifetime, IOptions<TurnStreamOptions> options, TimeProvider time, ILogger<ViewerBody> logger)
{
    /// <summary>When the process stops, for what was sent to a client and is not taken yet.</summary>
    private static readonly TimeSpan LeaveTaking = TimeSpan.FromSeconds(2);

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (context.Features.Get<EventStream>() is not { } stream)
        {
            return;
        }

        // Not linked: that would be a source and three registrations more for each of thousands of streams.
        var (left, stopping) = (context.RequestAborted, lifetime.ApplicationStopping);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache, no-transform";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();

        var body = new ViewerBody(context, options.Value.WriteDeadline, metrics, time, logger, stopping);
        try
        {
            TurnSse.WriteOpening(body, options.Value.ReconnectDelay, stream.Start);
            stream.Begin(body);
            await body.FlushAsync(left);
            await GiveUpAsync(context);
            await stream.FollowAsync(body, stopping, left);

            // Whoever woke this viewer wakes others after it, and what Kestrel does next for this connection may be long.
            await Task.Yield();
        }
        catch (OperationCanceledException) when (left.IsCancellationRequested || stopping.IsCancellationRequested)
        {
            // The log has everything: a client goes on where it was.
            if (!stopping.IsCancellationRequested)
            {
                await stream.LeftAsync();
            }
        }

        if (stopping.IsCancellationRequested)
        {
            CutLater(context);
        }
    }

    /// <summary>
    /// Kestrel waits to send the end to a client that takes nothing, until the time of the host is over, which all services that stop after the server need for what they hold. So its connection is cut then, with all that
    /// is on it by HTTP/2; one whose client has taken everything is closed before.
    /// </summary>
    private void CutLater(HttpContext context)
    {
        if (context.Features.Get<IConnectionLifetimeFeature>() is { } connection)
        {
            new CancellationTokenSource(LeaveTaking, time).Token.UnsafeRegister(static connection => ((IConnectionLifetimeFeature)connection!).Abort(), connection);
        }
    }

    /// <summary>What a request has that is not used any more when its answer has begun. The endpoint stays, for telemetry.</summary>
    private static async ValueTask GiveUpAsync(HttpContext context)
    {
        var features = context.Features;
        if (features.Get<IServiceProvidersFeature>() is IAsyncDisposable scope)
        {
            await scope.DisposeAsync();
        }

        context.Request.Headers.Authorization = default;
        context.Request.Headers.Cookie = default;
        features.Set<IServiceProvidersFeature>(null);
        features.Set<IHttpAuthenticationFeature>(null);
        features.Set<IAuthenticateResultFeature>(null);
        features.Set<IAuthenticationFeature>(null);
        features.Set<IItemsFeature>(null);
        features.Set<IQueryFeature>(null);
        features.Set<IReadOnlyList<LimitState>>(null);
        if (features.Get<IRouteValuesFeature>() is { } route)
        {
            // Kestrel's own, which would stay.
            route.RouteValues = null!;
        }

        // Both remember the features that they used, until they look for one again.
        _ = (context.RequestAborted, context.Request.Method);
    }
}
