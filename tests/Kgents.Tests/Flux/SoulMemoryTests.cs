using Kgents.Flux;

namespace Kgents.Tests.Flux;

public sealed class SoulMemoryTests
{
    [Fact]
    public void Oldest_GoesFirst_AndTurnsStayWhole()
    {
        var size = TokenEstimate.Of("one question") + TokenEstimate.Of("one answer") + (2 * TokenEstimate.PerMessage);
        var memory = new SoulMemory(2 * size, maxTurns: 10);

        foreach (var number in new[] { "one", "two", "six" })
        {
            memory.Add($"{number} question", $"{number} answer");
        }

        Assert.Equal(["two question", "two answer", "six question", "six answer"], memory.Messages.Select(message => message.Text));
        Assert.Equal([true, false, true, false], memory.Messages.Select(message => message.FromUser));
    }

    [Fact]
    public void Turn_ThatFitsNowhere_LeavesNothing()
    {
        var memory = new SoulMemory(10, maxTurns: 10);
        memory.Add("a", "b");

        memory.Add(new string('x', 100), "");

        Assert.Empty(memory.Messages);
    }

    [Fact]
    public void Turns_AreCountedToo()
    {
        var memory = new SoulMemory(1000, maxTurns: 1);
        memory.Add("a", "");
        memory.Add("b", "");

        Assert.Equal([new PastMessage(true, "b")], memory.Messages);
    }
}
