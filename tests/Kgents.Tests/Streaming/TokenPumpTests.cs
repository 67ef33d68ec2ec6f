using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.Flux;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Turns;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Streaming;

/// <summary>One append of a turn is in flight; what the model says meanwhile leaves together in the next, and only so much may wait.</summary>
public sealed class TokenPumpTests : IAsyncLifetime
{
    private readonly TurnAddress turn = new(Conversations.Tenant, SessionId.New(0, TimeProvider.System), TurnId.New(TimeProvider.System));
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private KgentsHost worker = null!;
    private PublishHold hold = null!;
    private int said;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        worker = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming);
        hold = proxy.HoldOnce(subject => subject == Subjects.Tokens(turn));
    }

    public async ValueTask DisposeAsync()
    {
        await worker.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tokens_LeaveTogether_ThatCameWhileAnAppendWasUnderWay()
    {
        var relaying = RelayAsync(count: 5, readAhead: 16);
        await hold.Reached;
        held.SetResult();

        // All have been taken: they wait behind the first.
        await Eventually.TrueAsync(() => Volatile.Read(ref said) == 5);
        hold.Release();
        var reply = await relaying;

        Assert.Equal(["0", "1234"], await ChunksAsync());
        Assert.Equal(("01234", 2), (reply.Text, reply.Chunks));
    }

    /// <summary>A model that is faster than the log is read no further than that: its first token is on its way, two wait, and it holds the fourth.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Model_IsNotReadOn_WhileAsManyTokensWaitAsMay()
    {
        var relaying = RelayAsync(count: 100, readAhead: 2);
        await hold.Reached;
        held.SetResult();

        await Eventually.TrueAsync(() => Volatile.Read(ref said) == 3);
        hold.Release();
        await relaying;

        Assert.Equal("0", (await ChunksAsync())[0]);
        Assert.Equal(string.Concat(Enumerable.Range(0, 100)), string.Concat(await ChunksAsync()));
    }

    /// <summary>By default a worker that does not answer is asked twice after its message came again.</summary>
    [Fact]
    public void DeadWorker_IsNoticedWithinFiveSeconds_ByDefault()
    {
        var defaults = new TurnOptions();

        Assert.True(defaults.AckWait + (2 * defaults.ControlTimeout) <= TimeSpan.FromSeconds(5));
    }

    private Task<PumpedReply> RelayAsync(int count, int readAhead) => worker.Services.GetRequiredService<TokenPump>().RelayAsync(
        token => SayAsync(count, token), new TurnLog(worker.Services.GetRequiredService<FencedPublisher>(), turn, 0), readAhead, running: null, CancellationToken.None, TestContext.Current.CancellationToken);

    /// <summary>The first, and when its append is held the others, as fast as they are taken; <see cref="said"/> is how many were.</summary>
    private async IAsyncEnumerable<FluxEvent> SayAsync(int count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var number = 0; number < count; number++)
        {
            yield return new FluxText($"{number}");
            Interlocked.Increment(ref said);
            await held.Task.WaitAsync(cancellationToken);
        }
    }

    private async Task<IReadOnlyList<string>> ChunksAsync() => await worker.Reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, 0, TestContext.Current.CancellationToken)
        .Select(entry => ((TurnChunk)TurnEventCodec.Decode(TurnEventCodec.Chunk, entry.Data.Span)!).Text)
        .ToListAsync(TestContext.Current.CancellationToken);
}
