using Kgents.Api.Turns;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A call is never lost, and never wakes anybody twice.</summary>
public sealed class WakeUpTests
{
    private readonly WakeUp wakeUp = new();

    [Fact(Timeout = Limits.Test)]
    public async Task Wait_EndsAtOnce_WhenTheCallCameBefore()
    {
        wakeUp.Call();
        wakeUp.Call();

        await wakeUp.WaitAsync();

        Assert.False(wakeUp.WaitAsync().AsTask().IsCompleted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Wait_EndsOnce_WhenTheCallComesMeanwhile()
    {
        var waiting = wakeUp.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);

        wakeUp.Call();
        wakeUp.Call();
        await waiting;

        Assert.False(wakeUp.WaitAsync().AsTask().IsCompleted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Waiter_SeesAllThatWasDone_HoweverCallsAndWaitsMeet()
    {
        const int Writers = 3;
        const int Each = 100_000;
        var done = 0;
        var writing = Enumerable.Range(0, Writers).Select(_ => Task.Factory.StartNew(
            () =>
            {
                for (var count = 0; count < Each; count++)
                {
                    Interlocked.Increment(ref done);
                    wakeUp.Call();
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToList();

        // One that lost a call would wait for ever.
        while (Volatile.Read(ref done) < Writers * Each)
        {
            await wakeUp.WaitAsync();
        }

        await Task.WhenAll(writing);
        Assert.Equal(Writers * Each, done);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Waiter_TakesTurnsWithItsCaller_TenThousandTimes()
    {
        var answer = new WakeUp();
        var replying = ReplyAsync();
        for (var count = 0; count < 10_000; count++)
        {
            wakeUp.Call();
            await answer.WaitAsync();
        }

        await replying;

        async Task ReplyAsync()
        {
            for (var count = 0; count < 10_000; count++)
            {
                await wakeUp.WaitAsync();
                answer.Call();
            }
        }
    }
}
