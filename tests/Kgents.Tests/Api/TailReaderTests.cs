using Kgents.Api.Turns;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.ServiceDefaults.Nats;
using Microsoft.Extensions.Time.Testing;

namespace Kgents.Tests.Api;

/// <summary>What comes last of a subject, as the leader says it, for many who ask at once.</summary>
public sealed class TailReaderTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private LogStream log = null!;
    private TailReader tails = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(new NatsServerSettings { SyncInterval = "2m" }, TestContext.Current.CancellationToken);
        log = await LogStream.CreateAsync(nats.Url);
        tails = new TailReader(log.JetStream.Connection, log.JetStream, TimeProvider.System);
        await tails.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await tails.StopAsync(CancellationToken.None);
        tails.Dispose();
        await log.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EachWhoAsks_IsToldOfItsOwnSubject()
    {
        var stored = new List<ulong>();
        for (var index = 0; index < 100; index++)
        {
            stored.Add((await log.JetStream.PublishAsync($"log.{index}", new byte[100 * index], cancellationToken: TestContext.Current.CancellationToken)).Seq);
        }

        var told = await Task.WhenAll(Enumerable.Range(0, 1_000).Select(index => LastAsync($"log.{index % 101}")));

        Assert.All(told.Index(), each => Assert.Equal(each.Index % 101 is < 100 and var of ? new Tail(stored[of], of > 0) : default, each.Item));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LastMessage_IsToldWhateverIsInIt()
    {
        await log.JetStream.PublishAsync("log.a", "{\"seq\":7,\"data\":\"\",\"err_code\":10037}", cancellationToken: TestContext.Current.CancellationToken);
        var last = await log.JetStream.PublishAsync("log.a", Array.Empty<byte>(), headers: new() { ["seq"] = "1" }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(new Tail(last.Seq, HasData: false), await LastAsync("log.a"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsTold_OfAStreamThatIsNotThere() => Assert.Null(await tails.LastAsync("NO_SUCH_STREAM", "log.a"));

    [Fact(Timeout = Limits.Test)]
    public async Task Answers_ComeAgain_WhenNatsWasAway()
    {
        var stored = await log.JetStream.PublishAsync("log.a", new byte[1], cancellationToken: TestContext.Current.CancellationToken);
        await LastAsync("log.a");
        await nats.KillAsync(TestContext.Current.CancellationToken);

        await nats.RestartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => IsAnsweredAsync(tails));
        Assert.Equal(new Tail(stored.Seq, HasData: true), await LastAsync("log.a"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsTold_WhenNoAnswerComesInTheTimeOfARequest()
    {
        await using var impatient = new LogStream(nats.Url, LogStream.Impatient);
        using var asking = new TailReader(impatient.JetStream.Connection, impatient.JetStream, TimeProvider.System);
        await asking.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => IsAnsweredAsync(asking));
        nats.Pause();

        Assert.Null(await asking.LastAsync(LogStream.Name, "log.a"));
        nats.Resume();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NobodyWaits_WhenItHasStopped()
    {
        // Its time never passes: nobody is given up for that.
        using var asking = new TailReader(log.JetStream.Connection, log.JetStream, new FakeTimeProvider());
        await asking.StartAsync(TestContext.Current.CancellationToken);
        nats.Pause();
        var waiting = asking.LastAsync(LogStream.Name, "log.a");

        await asking.StopAsync(TestContext.Current.CancellationToken);

        Assert.Null(await waiting);
        Assert.Null(await asking.LastAsync(LogStream.Name, "log.a"));
        nats.Resume();
    }

    private static async Task<bool> IsAnsweredAsync(TailReader reader) => await reader.LastAsync(LogStream.Name, "log.a") is not null;

    private Task<Tail?> LastAsync(string subject) => tails.LastAsync(LogStream.Name, subject);
}
