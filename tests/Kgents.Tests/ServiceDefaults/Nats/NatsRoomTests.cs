using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>A server whose disk is full answers no publish, and says so to nobody: that is told from an answer that was lost.</summary>
public sealed class NatsRoomTests : IAsyncLifetime
{
    private const string Stream = "KGENTS_USAGE";

    private readonly FakeTimeProvider time = new();
    private NatsServer nats = null!;
    private NatsConnection connection = null!;
    private NatsRoom room = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        connection = new NatsConnection(new NatsOpts { Url = nats.Url });
        await connection.ConnectAsync();

        // The server tells of itself a second time after its first answer, and a silence begins anew with what a server tells.
        await connection.PingAsync(TestContext.Current.CancellationToken);
        room = new NatsRoom(connection, time, NullLogger<NatsRoom>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public void Silence_IsTold_WhenItLasts_UntilSomethingIsStored()
    {
        Assert.Null(UnansweredAfter(0));
        Assert.Null(UnansweredAfter(9));
        Assert.Contains($"acknowledges nothing in {Stream}", UnansweredAfter(1), StringComparison.Ordinal);

        room.Stored(Stream);

        Assert.Null(room.Problem);
        Assert.Null(UnansweredAfter(9));
    }

    [Fact(Timeout = Limits.Test)]
    public void Answers_ThatWereLost_AreNoSilence()
    {
        UnansweredAfter(0);
        room.Stored(Stream);
        Assert.Null(UnansweredAfter(20));

        // Nothing came between these two, but they are minutes apart.
        Assert.Null(UnansweredAfter(120));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Silence_IsNotTold_WhileNatsIsAway()
    {
        UnansweredAfter(0);
        await nats.KillAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => Task.FromResult(connection.ConnectionState != NatsConnectionState.Open));

        Assert.Null(UnansweredAfter(30));
    }

    private string? UnansweredAfter(int seconds)
    {
        time.Advance(TimeSpan.FromSeconds(seconds));
        room.Unanswered(Stream);
        return room.Problem;
    }
}
