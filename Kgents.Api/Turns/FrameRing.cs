namespace Kgents.Api.Turns;

/// <summary>The latest frames of a feed by their position, which counts from 0. There is one writer; readers copy what they take.</summary>
internal sealed class FrameRing(int size)
{
    /// <summary>Most turns that are followed wait for something; the ring grows when it comes.</summary>
    private const int FirstSize = 4;

    private readonly Lock gate = new();
    private TurnFrame[] frames = [];
    private long head;

    /// <summary>The position of the next frame.</summary>
    public long Head
    {
        get
        {
            lock (gate)
            {
                return head;
            }
        }
    }

    public void Add(in TurnFrame frame)
    {
        lock (gate)
        {
            if (head == frames.Length && frames.Length < size)
            {
                // Full for the first time: every frame is at its own place still.
                Array.Resize(ref frames, Math.Min(size, Math.Max(FirstSize, 2 * frames.Length)));
            }

            frames[head % frames.Length] = frame;
            head++;
        }
    }

    /// <summary>False when there is none at the position: it has not come yet, or is <paramref name="gone"/>.</summary>
    public bool TryRead(long position, out TurnFrame frame, out bool gone)
    {
        lock (gate)
        {
            gone = position < head - frames.Length;
            var there = !gone && position < head;
            frame = there ? frames[position % frames.Length] : default;
            return there;
        }
    }

    /// <summary>
    /// The position from which a viewer with this cursor goes on without a hole, which may be that of the next frame; null when the ring no longer
    /// goes back so far, and <paramref name="upTo"/> is then the sequence before its first frame.
    /// </summary>
    public long? Find(ulong cursor, out ulong upTo)
    {
        lock (gate)
        {
            var first = Math.Max(0, head - frames.Length);
            upTo = first < head ? frames[first % frames.Length].Previous : 0;
            if (cursor < upTo)
            {
                return null;
            }

            while (first < head && frames[first % frames.Length].Sequence <= cursor)
            {
                first++;
            }

            return first;
        }
    }
}
