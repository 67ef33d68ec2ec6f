using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>A turn as a stream of Server-Sent Events, from its first event to its terminal one. A client that leaves does not end the turn.</summary>
internal sealed class TurnStream(TurnAddress turn) : IResult
{
    /// <summary>The event after which to begin.</summary>
    public ulong After { get; init; }

    /// <summary>The answer of a turn whose log has expired: its end is told from it, and that there is a gap before it.</summary>
    public AssistantMessage? Expired { get; init; }

    /// <summary>What is done when the client leaves before the turn has ended; by default nothing.</summary>
    public Func<TurnAddress, Task>? OnDisconnect { get; init; }

    private bool hasEnded;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;
        var options = services.GetRequiredService<IOptions<TurnStreamOptions>>().Value;
        var time = services.GetRequiredService<TimeProvider>();
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);

        httpContext.Response.ContentType = "text/event-stream";
        httpContext.Response.Headers.CacheControl = "no-cache, no-transform";
        httpContext.Response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();

        try
        {
            await FollowAsync(new ViewerBody(httpContext, options.WriteDeadline, time, services.GetRequiredService<ILogger<ViewerBody>>()), services, options, time, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The client left or the process stops. The log has everything: a client goes on where it was.
        }

        if (OnDisconnect is not null && !hasEnded && httpContext.RequestAborted.IsCancellationRequested && !stopping.IsCancellationRequested)
        {
            await OnDisconnect(turn);
        }
    }

    private async Task FollowAsync(ViewerBody body, IServiceProvider services, TurnStreamOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        TurnSse.WriteOpening(body.Output, options.ReconnectDelay);
        if (Expired is { } answer)
        {
            TurnSse.WriteGap(body.Output, answer);
            hasEnded = true;
        }

        await body.FlushAsync(cancellationToken);
        if (!hasEnded)
        {
            await using var lease = services.GetRequiredService<TurnFeeds>().Join(turn, After);
            var viewer = new TurnViewer(turn, After, lease.Feed, services.GetRequiredService<JetStreamReader>(), time);
            hasEnded = await viewer.RunAsync(body, options.HeartbeatInterval, cancellationToken);
        }
    }
}
