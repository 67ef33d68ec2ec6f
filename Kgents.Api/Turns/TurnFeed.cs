namespace Kgents.Api.Turns;

/// <summary>
/// One turn, or one session, as all its viewers on this replica see it: one subscription, and a ring of its latest frames. A viewer is a position, not a queue: one
/// that is slow holds nothing, and finds that its position has left the ring.
/// </summary>
internal sealed class TurnFeed : IAsyncDisposable
{
    private readonly int ringSize;
    private readonly CancellationTokenSource stop = new();
    private readonly LiveEvents live;
    private readonly Watchers watchers = new();
    private readonly Task reading;

    // Not there until something comes: most turns that are followed wait for something.
    private volatile FrameRing? ring;
    private volatile bool isOver;

    /// <param name="after">The cursor of the first viewer: the feed begins behind it.</param>
    public TurnFeed(FollowedLog followed, ulong after, int ringSize, TurnFollower follower)
    {
        this.ringSize = ringSize;
        Followed = followed;
        After = after;
        live = follower.Listen(followed);
        reading = ReadAsync(follower);
    }

    public FollowedLog Followed { get; }

    /// <summary>The cursor at which the feed began.</summary>
    public ulong After { get; }

    /// <summary>Nothing more comes: the turn has ended, or the feed has failed.</summary>
    public bool IsOver => isOver;

    /// <summary>Throws what the feed failed with, once it is over.</summary>
    public Task Completion => reading;

    /// <summary>Viewers that hold this feed; only <see cref="TurnFeeds"/> counts them.</summary>
    public int Viewers { get; set; }

    /// <summary>Viewers that are called.</summary>
    public int Watched => watchers.Count;

    /// <summary>Calls the viewer when there may be something new, and when time has passed, until what this returns is disposed of.</summary>
    public Watchers.Watching Watch(WakeUp viewer) => watchers.Add(viewer);

    public void CallViewers() => watchers.Call();

    /// <summary>
    /// The position from which a viewer with this cursor goes on without a hole; null when the ring no longer goes back so far, and
    /// <paramref name="upTo"/> is then the sequence up to which the viewer must read the log itself.
    /// </summary>
    public long? Find(ulong cursor, out ulong upTo)
    {
        upTo = 0;
        var position = ring is { } frames ? frames.Find(cursor, out upTo) : 0;
        if (position == 0 && cursor < After)
        {
            upTo = After;
            return null;
        }

        return position;
    }

    /// <summary>The frame at a position; false when there is none, since it has not come yet or is <paramref name="gone"/>.</summary>
    public bool TryRead(long position, out TurnFrame frame, out bool gone)
    {
        if (ring is { } frames)
        {
            return frames.TryRead(position, out frame, out gone);
        }

        (frame, gone) = (default, false);
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        live.Wake();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task ReadAsync(TurnFollower follower)
    {
        // Not under the lock of whoever made the feed.
        await Task.Yield();
        try
        {
            FrameMemory? memory = null;
            var previous = After;
            await foreach (var batch in follower.FollowAsync(live, After, stop.Token))
            {
                for (var index = 0; index < batch.Count; index++)
                {
                    var entry = batch[index];
                    TurnSse.Write(memory ??= new FrameMemory(), entry);
                    (ring ??= new FrameRing(ringSize)).Add(new TurnFrame(previous, entry.Sequence, entry.Subject, memory.Take(), entry.IsTerminal));
                    previous = entry.Sequence;
                }

                // Also for an empty batch: this is how all viewers come to send their heartbeats.
                watchers.Call();
            }
        }
        finally
        {
            isOver = true;
            watchers.Call();
        }
    }
}
