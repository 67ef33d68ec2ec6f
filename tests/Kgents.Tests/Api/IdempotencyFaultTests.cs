using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>Whatever is lost on the way of a message that was sent under a key, a retry through another replica stores it once and gets its turn.</summary>
[TakesSeconds(26)]
public sealed class IdempotencyFaultTests : IAsyncLifetime
{
    private static readonly string UserMessages = "kgents.messages.";
    private static readonly string Entries = Subjects.KeyValue(Buckets.Idempotency, "");

    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private KgentsHost broken = null!;
    private KgentsHost healthy = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        broken = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        healthy = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
    }

    public async ValueTask DisposeAsync()
    {
        await broken.DisposeAsync();
        await healthy.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    public static TheoryData<string> Published { get; } = [UserMessages, Entries];

    public static TheoryData<string, CutPoint> Cuts { get; } = new()
    {
        { UserMessages, CutPoint.BeforeForward },
        { UserMessages, CutPoint.BeforeReply },
        { Entries, CutPoint.BeforeForward },
        { Entries, CutPoint.BeforeReply },
    };

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Published))]
    public async Task Message_IsStoredOnce_WhenTheAckIsLost(string prefix)
    {
        var session = await broken.Client.CreateSessionAsync();
        proxy.DropRepliesOnce(subject => subject.StartsWith(prefix, StringComparison.Ordinal));

        using var response = await broken.Client.PostAsync(session, "key-1", new { message = "hello" });
        using var retry = await healthy.Client.PostAsync(session, "key-1", new { message = "hello" });

        Assert.Equal(1, proxy.DroppedReplies);
        Assert.Equal((false, true), (response.IsReplayed(), retry.IsReplayed()));
        var turn = Assert.Single(await healthy.AskedAsync(session));
        Assert.Equal([turn, turn], [(await response.TurnAsync()).Id, (await retry.TurnAsync()).Id]);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Cuts))]
    public async Task Message_IsStoredOnce_WhenTheConnectionBreaksAtAPublish(string prefix, CutPoint point)
    {
        var session = await healthy.Client.CreateSessionAsync();
        proxy.CutAt(1, point, subject => subject.StartsWith(prefix, StringComparison.Ordinal));

        var cutOff = broken.Client.PostAsync(session, "key-1", new { message = "hello" });
        await proxy.CutHappened;
        using var retry = await healthy.Client.PostAsync(session, "key-1", new { message = "hello" });
        var turn = await retry.TurnAsync();
        proxy.Restore();
        using var response = await cutOff;

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal([turn.Id], await healthy.AskedAsync(session));
        Assert.Equal(turn.Frames, (await response.TurnAsync()).Frames);
        Assert.Equal(1, await healthy.EntriesAsync());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Retry_IsNotRefused_WhenItsOwnMessageMakesTheSessionBusyWhileItLooks()
    {
        // Nobody runs the turn, so the session stays busy.
        await using var idleNats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var slowProxy = await NatsProxy.StartAsync(idleNats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(slowProxy.Url, Parts.Api);
        await using var fast = await KgentsHost.StartAsync(idleNats.Url, Parts.Api);
        var session = await fast.Client.CreateSessionAsync();

        // The slow one has looked for an entry and is about to look whether the session is idle.
        var hold = slowProxy.HoldOnce(subject => subject == "$JS.API.STREAM.MSG.GET.KGENTS_MESSAGES");
        var second = slow.Client.PostAsync(session, "key-1", new { message = "hello" });
        await hold.Reached;
        using var first = await fast.Client.PostAsync(session, "key-1", new { message = "hello" });
        hold.Release();
        using var retry = await second;

        Assert.Equal([(HttpStatusCode.OK, false), (HttpStatusCode.OK, true)], [(first.StatusCode, first.IsReplayed()), (retry.StatusCode, retry.IsReplayed())]);
        Assert.Single(await fast.AskedAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QueuedRetry_IsNotRefused_WhenItsOwnMessageFillsTheQueueWhileItLooks()
    {
        // Nobody runs a turn, and one may wait.
        await using var idleNats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var slowProxy = await NatsProxy.StartAsync(idleNats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(slowProxy.Url, Parts.Api, ("Messages:MaxQueued", "1"), ("Messages:AcceptTimeout", "00:00:02"));
        await using var fast = await KgentsHost.StartAsync(idleNats.Url, Parts.Api, ("Messages:MaxQueued", "1"));
        var session = await fast.Client.CreateSessionAsync();
        var keyed = new { message = "keyed", on_busy = "enqueue" };

        // Its entry says the first place, which another message has.
        slowProxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith(UserMessages, StringComparison.Ordinal));
        using var lost = await slow.Client.PostAsync(session, "key-1", keyed);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (lost.StatusCode, await fast.EntriesAsync()));
        using var other = await fast.Client.PostAsync(session, "key-2", new { message = "another's" });
        slowProxy.Restore();
        await Eventually.TrueAsync(async () => (await slow.Client.GetAsync("/health/ready", TestContext.Current.CancellationToken)).IsSuccessStatusCode);

        // The slow one was refused that place and is about to look for the next; meanwhile the fast one stores the message there.
        var hold = slowProxy.HoldOnce(subject => subject == "$JS.API.STREAM.MSG.GET.KGENTS_MESSAGES");
        var second = slow.Client.PostAsync(session, "key-1", keyed);
        await hold.Reached;
        using var first = await fast.Client.PostAsync(session, "key-1", keyed);
        hold.Release();
        using var retry = await second;

        Assert.Equal([(HttpStatusCode.OK, true), (HttpStatusCode.OK, true)], [(first.StatusCode, first.IsReplayed()), (retry.StatusCode, retry.IsReplayed())]);
        Assert.Equal(2, (await fast.AskedAsync(session)).Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Key_WorksAgain_WhenAnotherMessageTookThePlaceOfOneThatWasNeverStored()
    {
        await using var impatient = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Messages:AcceptTimeout", "00:00:01"));
        var session = await healthy.Client.CreateSessionAsync();
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith(UserMessages, StringComparison.Ordinal));
        var cutOff = impatient.Client.PostAsync(session, "key-1", new { message = "mine" });
        await proxy.CutHappened;
        using var gone = await cutOff;
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (gone.StatusCode, await healthy.EntriesAsync()));
        var other = new Turn(await healthy.Client.SayAsync(session, "another's"));

        using var lost = await healthy.Client.PostAsync(session, "key-1", new { message = "mine" });
        Assert.Equal((HttpStatusCode.Conflict, 0), (lost.StatusCode, await healthy.EntriesAsync()));
        var mine = await healthy.Client.PostAsync(session, "key-1", new { message = "mine" });
        Assert.False(mine.IsReplayed());
        var turn = await mine.TurnAsync();

        // The one that was cut off for so long finds what has become of its key.
        proxy.Restore();
        await Eventually.TrueAsync(async () => (await impatient.Client.GetAsync("/health/ready", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        using var retry = await impatient.Client.PostAsync(session, "key-1", new { message = "mine" });

        Assert.True(retry.IsReplayed());
        Assert.Equal(turn.Frames, (await retry.TurnAsync()).Frames);
        Assert.Equal([other.Id, turn.Id], await healthy.AskedAsync(session));
    }
}
