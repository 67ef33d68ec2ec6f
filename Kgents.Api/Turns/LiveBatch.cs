using System.Buffers;

namespace Kgents.Api.Turns;

/// <summary>Live messages that wait, and their payloads in one buffer, which is used again: a message costs no object. It holds a limited number, and so many bytes.</summary>
internal sealed class LiveBatch
{
    public const int Capacity = 256;

    /// <summary>In bytes. A message is taken whatever its size while nothing else waits.</summary>
    private const int LargestBuffer = 256 * 1024;

    // Neither is there until something comes: most turns that are followed wait for something.
    private List<Item>? items;
    private ArrayBufferWriter<byte>? payloads;
    private int used;

    /// <summary>Something came for which there was no room: it is in the log.</summary>
    public bool HasDropped { get; private set; }

    public bool IsUsed => used == Count;

    private int Count => items?.Count ?? 0;

    /// <summary>Drops the message when there is no room.</summary>
    public void TryAdd(LiveHeaders headers, string subject, in ReadOnlySequence<byte> payload)
    {
        payloads ??= new ArrayBufferWriter<byte>();
        if (Count == Capacity || (payloads.WrittenCount > 0 && payloads.WrittenCount + payload.Length > LargestBuffer))
        {
            HasDropped = true;
            return;
        }

        (items ??= []).Add(new Item(headers, subject, payloads.WrittenCount, (int)payload.Length));
        foreach (var segment in payload)
        {
            payloads.Write(segment.Span);
        }
    }

    /// <summary>Uses the next one.</summary>
    /// <param name="entry">Its data is good as long as the batch.</param>
    /// <param name="previous">The sequence before it in the log of its turn.</param>
    public bool TryUse(out TurnEntry entry, out ulong previous)
    {
        if (IsUsed)
        {
            (entry, previous) = (default, 0);
            return false;
        }

        var item = items![used++];
        entry = new TurnEntry(item.Headers.Sequence, item.Subject, item.Headers.Kind, payloads!.WrittenMemory.Slice(item.Start, item.Length));
        previous = item.Headers.Previous;
        return true;
    }

    public void Clear()
    {
        (used, HasDropped) = (0, false);
        items?.Clear();
        if (payloads?.Capacity > LargestBuffer)
        {
            payloads = null;
        }

        payloads?.ResetWrittenCount();
    }

    private readonly record struct Item(LiveHeaders Headers, string Subject, int Start, int Length);
}
