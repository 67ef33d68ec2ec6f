using System.Diagnostics;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as a stream of Server-Sent Events, from its first event to its terminal one. A client that leaves does not end the turn.</summary>
internal sealed class TurnStream(TurnAddress turn) : IResult
{
    /// <summary>The event after which to begin.</summary>
    public ulong After { get; init; }

    /// <summary>The answer of a turn whose log has expired: its end is told from it, and that there is a gap before it.</summary>
    public AssistantMessage? Expired { get; init; }

    /// <summary>The trace in which the turn runs, if its log tells.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>What is done when the client leaves before the turn has ended; by default nothing.</summary>
    public Func<TurnAddress, Task>? OnDisconnect { get; init; }

    private bool hasEnded;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var services = httpContext.RequestServices;

        // A client that is cut before it has read who the turn is can still find it.
        httpContext.Response.Headers.ContentLocation = $"/v1/kgent/sessions/{turn.Session}/turns/{turn.Turn}/events";
        await EventStream.RunAsync(httpContext, Expired is null ? After : null, Begin, async (body, cancellationToken) =>
            hasEnded = hasEnded || await services.GetRequiredService<TurnFeeds>().ViewAsync(turn, After, Trace, body, cancellationToken));

        if (OnDisconnect is not null && !hasEnded && httpContext.RequestAborted.IsCancellationRequested
            && !services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested)
        {
            await OnDisconnect(turn);
        }
    }

    private void Begin(ViewerBody body)
    {
        if (Expired is { } answer)
        {
            TurnSse.WriteGap(body.Output, answer);
            hasEnded = true;
        }
    }
}
