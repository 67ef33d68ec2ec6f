using Kgents.Api.Turns;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>Each call reaches everybody who is there, however many, and nobody who has left.</summary>
public sealed class WatchersTests
{
    private readonly Watchers watchers = new();

    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1000)]
    public async Task Call_WakesEverybody_EachTime(int count)
    {
        const int Calls = 100;
        var all = Enumerable.Range(0, count).Select(_ => new WakeUp()).ToList();
        all.ForEach(one => watchers.Add(one));
        var woken = 0;
        for (var call = 1; call <= Calls; call++)
        {
            var waiting = all.Select(WaitAsync).ToList();
            watchers.Call();
            await Task.WhenAll(waiting);
            Assert.Equal(call * count, woken);
        }

        async Task WaitAsync(WakeUp one)
        {
            await one.WaitAsync();
            Interlocked.Increment(ref woken);
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Call_WakesNobodyWhoHasLeft()
    {
        var all = Enumerable.Range(0, 100).Select(_ => new WakeUp()).ToList();
        var watching = all.Select(watchers.Add).ToList();
        var waiting = all.Select(one => one.WaitAsync().AsTask()).ToList();

        // From the beginning, the end and between: who stands in the place of one that left stays.
        var left = new[] { 0, 99, 50, 1, 98 };
        foreach (var index in left)
        {
            watching[index].Dispose();
        }

        watchers.Call();
        await Task.WhenAll(waiting.Where((_, index) => !left.Contains(index)));

        Assert.Equal(all.Count - left.Length, watchers.Count);
        Assert.All(left, index => Assert.False(waiting[index].IsCompleted));
        for (var index = 0; index < all.Count; index++)
        {
            if (!left.Contains(index))
            {
                watching[index].Dispose();
            }
        }

        Assert.Equal(0, watchers.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NobodyMissesACall_WhileOthersComeAndGo()
    {
        const int Viewers = 200;
        const int Last = 2000;
        var head = 0;
        var viewing = Enumerable.Range(0, Viewers).Select(index => ViewAsync(leaves: index % 4 == 0)).ToList();
        await Eventually.TrueAsync(() => watchers.Count == Viewers);
        while (head < Last)
        {
            Interlocked.Increment(ref head);
            watchers.Call();
            await Task.Yield();
        }

        // One that missed the last call would wait for ever.
        await Task.WhenAll(viewing);
        Assert.Equal(0, watchers.Count);

        async Task ViewAsync(bool leaves)
        {
            while (true)
            {
                var news = new WakeUp();
                using var watching = watchers.Add(news);
                for (var seen = Volatile.Read(ref head); seen < Last; seen = Volatile.Read(ref head))
                {
                    await news.WaitAsync();
                    if (leaves && seen % 10 == 0)
                    {
                        break;
                    }
                }

                if (Volatile.Read(ref head) == Last)
                {
                    return;
                }
            }
        }
    }
}
