using System.Diagnostics;
using Kgents.Api.Telemetry;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>The feeds of this replica: one for each turn and each session that somebody views here, from the first viewer to the last.</summary>
internal sealed class TurnFeeds : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<FollowedLog, TurnFeed> feeds = [];
    private readonly TurnFollower follower;
    private readonly JetStreamReader reader;
    private readonly ApiMetrics metrics;
    private readonly IOptions<TurnStreamOptions> options;
    private readonly TimeProvider time;
    private readonly CancellationTokenRegistration stopping;

    public TurnFeeds(TurnFollower follower, JetStreamReader reader, ApiMetrics metrics, IHostApplicationLifetime lifetime, IOptions<TurnStreamOptions> options, TimeProvider time)
    {
        (this.follower, this.reader, this.metrics, this.options, this.time) = (follower, reader, metrics, options, time);
        stopping = lifetime.ApplicationStopping.UnsafeRegister(static feeds => ((TurnFeeds)feeds!).CallAll(), this);
    }

    /// <summary>How many turns and sessions are followed here.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return feeds.Count;
            }
        }
    }

    /// <summary>Sends a client what comes after its cursor; true when that was the terminal event of the turn that it follows.</summary>
    /// <param name="turn">The trace of the turn, if it is known.</param>
    public Task<bool> ViewAsync(FollowedLog followed, ulong after, ActivityContext turn, ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken)
    {
        var around = Activity.Current;
        try
        {
            return ViewAsync(StreamSpans.Start(followed, after, turn), Join(followed, after), after, body, stopping, cancellationToken);
        }
        finally
        {
            Activity.Current = around;
        }
    }

    /// <summary>The feed, which lives until every viewer has left it. It begins at the cursor of its first viewer.</summary>
    public Lease Join(FollowedLog followed, ulong after)
    {
        lock (gate)
        {
            // One that is over is left to the viewers that it has.
            if (!feeds.TryGetValue(followed, out var feed) || feed.IsOver)
            {
                feed = feeds[followed] = new TurnFeed(followed, after, options.Value.RingSize, follower);
            }

            feed.Viewers++;
            return new Lease(this, feed);
        }
    }

    public void Dispose() => stopping.Dispose();

    /// <summary>The process stops: all viewers are to see it, of which none has a registration for it.</summary>
    private void CallAll()
    {
        lock (gate)
        {
            foreach (var feed in feeds.Values)
            {
                feed.CallViewers();
            }
        }
    }

    // Thousands wait in here: what they are asked for is not kept a second time.
    private async Task<bool> ViewAsync(Activity? span, Lease lease, ulong after, ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken)
    {
        try
        {
            metrics.Viewing(1, lease.Feed.Followed.Kind);
            var hasEnded = await new TurnViewer(lease.Feed, after, reader, metrics, time).RunAsync(body, options.Value.HeartbeatInterval, stopping, cancellationToken);
            StreamSpans.End(span, hasEnded ? "ended" : "deleted");
            return hasEnded;
        }
        catch (OperationCanceledException)
        {
            StreamSpans.End(span, "left");
            throw;
        }
        finally
        {
            metrics.Viewing(-1, lease.Feed.Followed.Kind);
            span?.Dispose();
            await lease.DisposeAsync();
        }
    }

    private ValueTask LeaveAsync(TurnFeed feed)
    {
        lock (gate)
        {
            if (--feed.Viewers > 0)
            {
                return ValueTask.CompletedTask;
            }

            if (feeds.GetValueOrDefault(feed.Followed) == feed)
            {
                feeds.Remove(feed.Followed);
            }
        }

        return feed.DisposeAsync();
    }

    /// <summary>A viewer's hold on a feed.</summary>
    internal readonly struct Lease(TurnFeeds feeds, TurnFeed feed) : IAsyncDisposable
    {
        public TurnFeed Feed => feed;

        public ValueTask DisposeAsync() => feeds.LeaveAsync(feed);
    }
}
