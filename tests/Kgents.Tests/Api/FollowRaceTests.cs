using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api;

/// <summary>What comes between two steps of a follower. The end of the log is never looked up here, so nothing else finds it.</summary>
public sealed class FollowRaceTests : TurnTest
{
    private readonly TurnId turn = TurnId.New(TimeProvider.System);
    private NatsProxy proxy = null!;
    private KgentsHost host = null!;
    private KgentsHost other = null!;
    private TurnAddress address;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "01:00:00"), ("Turns:Stream:HeartbeatInterval", "00:05:00"));
        other = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming);
        address = new TurnAddress(Conversations.Tenant, SessionId.Parse(await host.Client.CreateSessionAsync()), turn);
        await LogAsync(new TurnAccepted(turn, 1, "m"));
    }

    public override async ValueTask DisposeAsync()
    {
        await other.DisposeAsync();
        await host.DisposeAsync();
        await proxy.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>The other way round, what is stored between the two would come neither way.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Follower_ListensBeforeItReads()
    {
        var hold = proxy.HoldOnce(subject => subject == $"$JS.API.DIRECT.GET.{Streams.Tokens.Name}");
        await using var batches = FollowAsync();
        var first = batches.MoveNextAsync().AsTask();
        await hold.Reached;

        await Eventually.TrueAsync(IsHeardAsync);
        hold.Release();

        Assert.True(await first);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Entry_IsGivenOnce_WhichWasHeardAndRead()
    {
        var hold = proxy.HoldOnce(subject => subject == $"$JS.API.DIRECT.GET.{Streams.Tokens.Name}");
        await using var batches = FollowAsync();
        var first = batches.MoveNextAsync().AsTask();
        await hold.Reached;
        await Eventually.TrueAsync(IsHeardAsync);
        await LogAsync(new TurnChunk("one", 0));
        hold.Release();
        Assert.True(await first);
        var seen = batches.Current.Select(entry => entry.Sequence).ToList();

        await LogAsync(new TurnChunk(" two", 1));
        while (seen.Count < 3 && await batches.MoveNextAsync())
        {
            seen.AddRange(batches.Current.Select(entry => entry.Sequence));
        }

        Assert.Equal([1, 2, 3], seen);
    }

    /// <summary>No later message tells of those for which there was no room.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Follower_ReadsTheLog_WhenMoreCameThanMayWait()
    {
        await using var batches = FollowAsync();
        Assert.True(await batches.MoveNextAsync());
        var seen = batches.Current.Select(entry => entry.Sequence).ToList();
        var stored = new List<ulong>(seen);
        for (var index = 0; index < LiveBatch.Capacity + 50; index++)
        {
            stored.Add(await LogAsync(new TurnChunk($" {index}", index)));
        }

        // All that was republished has come by this connection.
        await host.JetStream.Connection.PingAsync(TestContext.Current.CancellationToken);
        while (seen.Count < stored.Count && await batches.MoveNextAsync())
        {
            seen.AddRange(batches.Current.Select(entry => entry.Sequence));
        }

        Assert.Equal(stored, seen);
    }

    /// <summary>Whether somebody has subscribed to what is republished of the turn: nobody answers there, but the server says it when there is nobody at all.</summary>
    private async Task<bool> IsHeardAsync()
    {
        var connection = other.JetStream.Connection;
        await using var answers = await connection.SubscribeCoreAsync<byte[]>(connection.NewInbox(), cancellationToken: TestContext.Current.CancellationToken);
        await connection.PublishAsync<byte[]>(Subjects.Live(address), [], replyTo: answers.Subject, cancellationToken: TestContext.Current.CancellationToken);

        // What the server says of the publish has come before its answer to this.
        await connection.PingAsync(TestContext.Current.CancellationToken);
        return !answers.Msgs.TryRead(out _);
    }

    private IAsyncEnumerator<IReadOnlyList<TurnEntry>> FollowAsync() =>
        host.Services.GetRequiredService<TurnFollower>().FollowAsync(address, 0, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

    private Task<ulong> LogAsync(TurnEvent turnEvent) => Conversations.LogAsync(other, address.Session, turn, turnEvent);
}
