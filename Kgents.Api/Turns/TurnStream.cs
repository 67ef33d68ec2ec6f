using System.Diagnostics;
using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>A turn as a stream of Server-Sent Events, from its first event to its terminal one. A client that leaves does not end the turn.</summary>
internal sealed class TurnStream(TurnAddress turn, TurnFeeds feeds) : EventStream
{
    /// <summary>The event after which to begin.</summary>
    public ulong After { get; init; }

    /// <summary>The answer of a turn whose log has expired: its end is told from it, and that there is a gap before it.</summary>
    public AssistantMessage? Expired { get; init; }

    /// <summary>Where the log of a turn that goes on begins, when it has lost events after the cursor: that is told first. Null when it has not.</summary>
    public ulong? LostThrough { get; init; }

    /// <summary>The trace in which the turn runs, if its log tells.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>What is done when the client leaves before the turn has ended; by default nothing.</summary>
    public Func<TurnAddress, Task>? OnDisconnect { get; init; }

    public override ulong? Start => Expired is null && LostThrough is null ? After : null;

    public override Task ExecuteAsync(HttpContext httpContext)
    {
        // A client that is cut before it has read who the turn is can still find it. Who asked for just this path has it in memory already.
        var location = $"/v1/kgent/sessions/{turn.Session}/turns/{turn.Turn}/events";
        httpContext.Response.Headers.ContentLocation = location == httpContext.Request.Path.Value ? httpContext.Request.Path.Value : location;
        return base.ExecuteAsync(httpContext);
    }

    public override void Begin(ViewerBody body)
    {
        if (Expired is { } answer)
        {
            TurnSse.WriteGap(body, answer);
        }
        else if (LostThrough is { } lost)
        {
            TurnSse.WriteLogGap(body, After, lost);
        }
    }

    public override Task FollowAsync(ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken) =>
        Expired is null ? feeds.ViewAsync(turn, LostThrough ?? After, Trace, body, stopping, cancellationToken) : Task.CompletedTask;

    public override Task LeftAsync() => Expired is null && OnDisconnect is not null ? OnDisconnect(turn) : Task.CompletedTask;
}
