using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>The feeds of this replica: one for each turn that somebody views here, from the first viewer to the last.</summary>
internal sealed class TurnFeeds(TurnFollower follower, IOptions<TurnStreamOptions> options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<TurnAddress, TurnFeed> feeds = [];

    /// <summary>How many turns are followed here.</summary>
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

    /// <summary>The turn's feed, which lives until every viewer has left it. It begins at the cursor of its first viewer.</summary>
    public Lease Join(TurnAddress turn, ulong after)
    {
        lock (gate)
        {
            // One that is over is left to the viewers that it has.
            if (!feeds.TryGetValue(turn, out var feed) || feed.IsOver)
            {
                feed = feeds[turn] = new TurnFeed(turn, after, options.Value.RingSize, follower);
            }

            feed.Viewers++;
            return new Lease(this, turn, feed);
        }
    }

    private ValueTask LeaveAsync(TurnAddress turn, TurnFeed feed)
    {
        lock (gate)
        {
            if (--feed.Viewers > 0)
            {
                return ValueTask.CompletedTask;
            }

            if (feeds.GetValueOrDefault(turn) == feed)
            {
                feeds.Remove(turn);
            }
        }

        return feed.DisposeAsync();
    }

    /// <summary>A viewer's hold on a feed.</summary>
    internal sealed class Lease(TurnFeeds feeds, TurnAddress turn, TurnFeed feed) : IAsyncDisposable
    {
        public TurnFeed Feed => feed;

        public ValueTask DisposeAsync() => feeds.LeaveAsync(turn, feed);
    }
}
