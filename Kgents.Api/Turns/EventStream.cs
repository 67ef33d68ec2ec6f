using Kgents.Api.Telemetry;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>A response that is a stream of Server-Sent Events, until all is sent, its client leaves, or the process stops.</summary>
internal static class EventStream
{
    /// <summary>Sends what opens a stream together with what <paramref name="begin"/> writes, then all that <paramref name="follow"/> sends.</summary>
    /// <param name="after">Where the stream begins; null when <paramref name="begin"/> says so.</param>
    public static async Task RunAsync(HttpContext httpContext, ulong? after, Action<ViewerBody> begin, Func<ViewerBody, CancellationToken, Task> follow)
    {
        var services = httpContext.RequestServices;
        var options = services.GetRequiredService<IOptions<TurnStreamOptions>>().Value;
        var stopping = services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, stopping);

        httpContext.Response.ContentType = "text/event-stream";
        httpContext.Response.Headers.CacheControl = "no-cache, no-transform";
        httpContext.Response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();

        var body = new ViewerBody(httpContext, options.WriteDeadline, services.GetRequiredService<ApiMetrics>(), services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<ViewerBody>>());
        try
        {
            TurnSse.WriteOpening(body.Output, options.ReconnectDelay, after);
            begin(body);
            await body.FlushAsync(end.Token);
            await follow(body, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The client left or the process stops. The log has everything: a client goes on where it was.
        }
    }
}
