using System.Buffers;
using CsCheck;
using Kgents.Api.Turns;

namespace Kgents.Tests.Api;

public sealed class FrameMemoryTests
{
    /// <summary>However a frame is written, and whatever comes after it.</summary>
    [Fact]
    public void Frames_StayAsTheyWereWritten() => Gen.Byte.Array[0, 5000].Array[0, 4].Array[0, 40].Sample(frames =>
    {
        var memory = new FrameMemory();
        var taken = new List<ReadOnlyMemory<byte>>();
        foreach (var pieces in frames)
        {
            foreach (var piece in pieces)
            {
                memory.Write(piece);
            }

            taken.Add(memory.Take());
        }

        Assert.All(frames.Zip(taken), pair => Assert.Equal(pair.First.SelectMany(piece => piece), pair.Second.ToArray()));
    }, iter: 100);

    [Fact]
    public void SmallFrames_CostLittleMoreThanTheirBytes()
    {
        var (memory, frame) = (new FrameMemory(), new byte[64]);
        memory.Write(frame);
        _ = memory.Take();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var count = 0; count < 10_000; count++)
        {
            memory.Write(frame);
            _ = memory.Take();
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 10_000.0, 64, 70);
    }
}
