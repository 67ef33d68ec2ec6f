namespace Kgents.Api.Turns;

/// <summary>
/// A response that is a stream of Server-Sent Events. As a result it only says that it is to be sent: <see cref="EventStreams"/> sends it, when all that let the request in has returned.
/// </summary>
internal abstract class EventStream : IResult
{
    /// <summary>Where the stream begins; null when <see cref="Begin"/> says so.</summary>
    public abstract ulong? Start { get; }

    public virtual Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Features.Set(this);
        return Task.CompletedTask;
    }

    /// <summary>Writes what goes out together with the opening.</summary>
    public virtual void Begin(ViewerBody body)
    {
    }

    /// <summary>Sends all that there is and what comes, to its end, or until the process stops.</summary>
    /// <param name="cancellationToken">The client has left.</param>
    public abstract Task FollowAsync(ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken);

    /// <summary>Called when the client left before the end.</summary>
    public virtual Task LeftAsync() => Task.CompletedTask;
}
