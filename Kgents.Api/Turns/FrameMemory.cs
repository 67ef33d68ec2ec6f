using System.Buffers;

namespace Kgents.Api.Turns;

/// <summary>
/// Where the frames of a feed lie, one behind another in blocks: an array for each would cost as much again as the frame of one token. A block
/// is given up with the last of its frames. For one writer.
/// </summary>
internal sealed class FrameMemory : IBufferWriter<byte>
{
    /// <summary>Most turns that are followed wait for something, and have one frame or none.</summary>
    private const int FirstBlock = 256;
    private const int LargestBlock = 16 * 1024;

    private byte[] block = [];
    private int start;
    private int end;

    /// <summary>All that was written since the last one was taken, as one frame.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        var frame = block.AsMemory(start, end - start);
        start = end;
        return frame;
    }

    public void Advance(int count) => end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (block.Length - end < Math.Max(sizeHint, 1))
        {
            var begun = block.AsSpan(start, end - start);
            var next = new byte[Math.Max(begun.Length + Math.Max(sizeHint, 1), Math.Clamp(2 * block.Length, FirstBlock, LargestBlock))];
            begun.CopyTo(next);
            (block, start, end) = (next, 0, begun.Length);
        }

        return block.AsMemory(end);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
