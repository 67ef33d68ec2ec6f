using Kgents.Contracts;

namespace Kgents.Api.Turns;

/// <summary>
/// One turn as all its viewers on this replica see it: one subscription, and a ring of its latest frames. A viewer is a position, not a queue: one
/// that is slow holds nothing, and finds that its position has left the ring. There is one writer; readers take no lock.
/// </summary>
internal sealed class TurnFeed : IAsyncDisposable
{
    private readonly TurnFrame?[] ring;
    private readonly CancellationTokenSource stop = new();
    private readonly Task reading;
    private TaskCompletionSource pulse = NewPulse();
    private long head;
    private volatile bool isOver;

    /// <param name="after">The cursor of the first viewer: the feed begins behind it.</param>
    public TurnFeed(TurnAddress turn, ulong after, int ringSize, TurnFollower follower)
    {
        ring = new TurnFrame?[ringSize];
        After = after;
        reading = ReadAsync(turn, follower);
    }

    /// <summary>The cursor at which the feed began.</summary>
    public ulong After { get; }

    /// <summary>Completes when there may be something new, or when time has passed. Take it before looking, so that nothing comes between.</summary>
    public Task Pulse => Volatile.Read(ref pulse).Task;

    /// <summary>Nothing more comes: the turn has ended, or the feed has failed.</summary>
    public bool IsOver => isOver;

    /// <summary>Throws what the feed failed with, once it is over.</summary>
    public Task Completion => reading;

    /// <summary>Viewers that hold this feed; only <see cref="TurnFeeds"/> counts them.</summary>
    public int Viewers { get; set; }

    /// <summary>
    /// The position from which a viewer with this cursor goes on without a hole; null when the ring no longer goes back so far, and
    /// <paramref name="upTo"/> is then the sequence up to which the viewer must read the log itself.
    /// </summary>
    public long? Find(ulong cursor, out ulong upTo)
    {
        var end = Volatile.Read(ref head);
        upTo = After;
        for (var position = Math.Max(0, end - ring.Length); position < end; position++)
        {
            if (Frame(position) is not { } frame)
            {
                // Overwritten while it was looked at: the next one is older than the end all the same.
                continue;
            }

            if (frame.Previous > cursor)
            {
                upTo = frame.Previous;
                return null;
            }

            if (frame.Sequence > cursor)
            {
                return position;
            }
        }

        return end == 0 && cursor < After ? null : end;
    }

    /// <summary>The frame at a position; false when it is not there yet. A position that has left the ring gives a null frame.</summary>
    public bool TryRead(long position, out TurnFrame? frame)
    {
        frame = null;
        if (position >= Volatile.Read(ref head))
        {
            return false;
        }

        frame = Frame(position);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TurnFrame? Frame(long position) => Volatile.Read(ref ring[position % ring.Length]) is { } frame && frame.Position == position ? frame : null;

    private async Task ReadAsync(TurnAddress turn, TurnFollower follower)
    {
        // Not under the lock of whoever made the feed.
        await Task.Yield();
        try
        {
            var previous = After;
            await foreach (var batch in follower.FollowAsync(turn, After, stop.Token))
            {
                foreach (var entry in batch)
                {
                    Volatile.Write(ref ring[head % ring.Length], TurnFrame.Encode(head, previous, entry));
                    Volatile.Write(ref head, head + 1);
                    previous = entry.Sequence;
                }

                // Also for an empty batch: this is the one timer by which all viewers send their heartbeats.
                Interlocked.Exchange(ref pulse, NewPulse()).TrySetResult();
            }
        }
        finally
        {
            isOver = true;
            Volatile.Read(ref pulse).TrySetResult();
        }
    }
}
