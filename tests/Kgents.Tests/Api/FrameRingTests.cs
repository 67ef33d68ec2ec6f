using Kgents.Api.Turns;

namespace Kgents.Tests.Api;

public sealed class FrameRingTests
{
    /// <summary>It grows from 4 places to 40, and then overwrites.</summary>
    private const int Size = 40;

    [Theory]
    [InlineData(10, 0)]
    [InlineData(16, 0)]
    [InlineData(17, 0)]
    [InlineData(40, 0)]
    [InlineData(41, 1)]
    [InlineData(100, 60)]
    public void Ring_HasTheLatestFrames_AndSaysWhichAreGone(int count, long first)
    {
        var ring = Filled(count);

        for (var position = 0L; position < count; position++)
        {
            Assert.Equal(position >= first, ring.TryRead(position, out var frame, out var gone));
            Assert.Equal((position < first, position < first ? 0 : Sequence(position)), (gone, frame.Sequence));
        }

        Assert.False(ring.TryRead(count, out _, out var isGone));
        Assert.False(isGone);
    }

    [Fact]
    public void Ring_FindsWhereAViewerGoesOn_WithoutAHole()
    {
        var ring = Filled(100);

        // The first that it has is at 60, behind the sequence of 59.
        Assert.Null(ring.Find(Sequence(59) - 1, out var upTo));
        Assert.Equal(Sequence(59), upTo);
        Assert.Equal(60, ring.Find(Sequence(59), out _));
        Assert.Equal(61, ring.Find(Sequence(60), out _));
        Assert.Equal(99, ring.Find(Sequence(99) - 1, out _));
        Assert.Equal(100, ring.Find(Sequence(99), out _));
    }

    [Fact]
    public void Ring_WithoutFrames_BeginsAtTheFirst() => Assert.Equal(0, new FrameRing(Size).Find(7, out _));

    /// <summary>Other messages of the stream are between them.</summary>
    private static ulong Sequence(long position) => 10 * ((ulong)position + 1);

    private static FrameRing Filled(int count)
    {
        var ring = new FrameRing(Size);
        for (var position = 0L; position < count; position++)
        {
            ring.Add(new TurnFrame(position == 0 ? 0 : Sequence(position - 1), Sequence(position), "s", default, IsTerminal: false));
        }

        return ring;
    }
}
