using System.Buffers;
using System.Text;
using Kgents.Api.Turns;

namespace Kgents.Tests.Api;

public sealed class LiveBatchTests
{
    private readonly LiveBatch batch = new();

    [Fact]
    public void Batch_GivesWhatItWasGiven_InOrder_AndThenIsUsed()
    {
        Add(1, "one");
        Add(2, "");
        Add(3, "three");

        Assert.Equal([(1UL, 0UL, "one"), (2UL, 1UL, ""), (3UL, 2UL, "three")], Use());
        Assert.True(batch.IsUsed);
    }

    [Fact]
    public void Batch_IsUsedAgain_WithNothingOfBefore()
    {
        Add(1, "one");
        Use();

        batch.Clear();
        Add(2, "two");

        Assert.Equal([(2UL, 1UL, "two")], Use());
    }

    [Fact]
    public void Message_IsDropped_WhenSoManyWait()
    {
        for (var sequence = 1UL; sequence <= LiveBatch.Capacity + 10; sequence++)
        {
            Add(sequence, "x");
        }

        Assert.True(batch.HasDropped);
        Assert.Equal(LiveBatch.Capacity, Use().Count);
        batch.Clear();
        Assert.False(batch.HasDropped);
    }

    [Fact]
    public void Message_IsDropped_WhenSoManyBytesWait_ButTheFirstIsTakenWhateverItsSize()
    {
        var large = new string('x', 1_000_000);

        Add(1, large);
        Add(2, "y");

        Assert.True(batch.HasDropped);
        Assert.Equal([(1UL, 0UL, large)], Use());
    }

    private void Add(ulong sequence, string data) =>
        batch.TryAdd(new LiveHeaders(sequence, sequence - 1, "chunk"), "s", new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(data)));

    private List<(ulong Sequence, ulong Previous, string Data)> Use()
    {
        var used = new List<(ulong, ulong, string)>();
        while (batch.TryUse(out var entry, out var previous))
        {
            used.Add((entry.Sequence, previous, Encoding.UTF8.GetString(entry.Data.Span)));
        }

        return used;
    }
}
