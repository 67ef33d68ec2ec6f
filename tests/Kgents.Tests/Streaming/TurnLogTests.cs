using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Streaming.Turns;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Streaming;

/// <summary>The log of a turn has one writer: its own late append does not stop it, and of two that end the turn the second finds it ended.</summary>
public sealed class TurnLogTests : IAsyncLifetime
{
    private static readonly TurnFailed End = new(TurnErrorCodes.ModelBrokeOff, TurnErrorTexts.Of(TurnErrorCodes.ModelBrokeOff));
    private readonly TurnAddress turn = new(Conversations.Tenant, SessionId.New(0, TimeProvider.System), TurnId.New(TimeProvider.System));
    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private KgentsHost worker = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        worker = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming);
    }

    public async ValueTask DisposeAsync()
    {
        await worker.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Writer_GoesOnBehindItsOwnAppend_ThatWasGivenUpAndStored()
    {
        var log = Open();
        var hold = proxy.HoldOnce(subject => subject == Subjects.Tokens(turn));
        using var givenUp = new CancellationTokenSource();
        var append = log.AppendAsync(new TurnChunk("one", 0), givenUp.Token);
        await hold.Reached;
        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => append);
        hold.Release();
        await Eventually.TrueAsync(async () => (await KindsAsync()).Count == 1);

        await log.AppendAsync(End, TestContext.Current.CancellationToken);

        Assert.Equal([TurnEventCodec.Chunk, TurnEventCodec.Failed], await KindsAsync());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsOnce_WhenTwoEndIt()
    {
        var (first, second) = (Open(), Open());

        await first.AppendTerminalAsync(End, TestContext.Current.CancellationToken);
        await second.AppendTerminalAsync(End, TestContext.Current.CancellationToken);

        Assert.Equal([TurnEventCodec.Failed], await KindsAsync());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotEnded_ByAWriterThatAnotherHasOvertaken()
    {
        var (first, second) = (Open(), Open());
        await first.AppendAsync(new TurnChunk("one", 0), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<FenceLostException>(() => second.AppendTerminalAsync(End, TestContext.Current.CancellationToken));

        Assert.Equal([TurnEventCodec.Chunk], await KindsAsync());
    }

    private TurnLog Open() => new(worker.Services.GetRequiredService<FencedPublisher>(), turn, 0);

    private async Task<IReadOnlyList<string?>> KindsAsync() => await worker.Reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), 1, 0, TestContext.Current.CancellationToken)
        .Select(entry => entry.Header(TurnHeaders.Event))
        .ToListAsync(TestContext.Current.CancellationToken);
}
