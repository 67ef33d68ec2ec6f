using System.Net;
using System.Text.Json;
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

    /// <summary>Both have found the key free, and each has thought of a turn for it: the one in the entry is the turn.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Retry_StoresTheTurnOfTheEntry_WhenAnotherRequestHasMadeThatAndNotStoredItYet()
    {
        await using var slowProxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(slowProxy.Url, Parts.Api);
        var session = await healthy.Client.CreateSessionAsync();
        var looks = slowProxy.HoldOnce(subject => subject == "$JS.API.STREAM.MSG.GET.KGENTS_MESSAGES");
        var second = slow.Client.PostAsync(session, "key-1", new { message = "hello" });
        await looks.Reached;
        var stores = proxy.HoldOnce(subject => subject.StartsWith(UserMessages, StringComparison.Ordinal));
        var first = broken.Client.PostAsync(session, "key-1", new { message = "hello" });
        await stores.Reached;

        looks.Release();
        using var stored = await second;
        var turn = await stored.TurnAsync();
        stores.Release();
        using var late = await first;

        Assert.Equal([(HttpStatusCode.OK, true), (HttpStatusCode.OK, false)], [(stored.StatusCode, stored.IsReplayed()), (late.StatusCode, late.IsReplayed())]);
        Assert.Equal(turn.Frames, (await late.TurnAsync()).Frames);
        Assert.Equal([turn.Id], await healthy.AskedAsync(session));
        Assert.Equal(1, await healthy.EntriesAsync());
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

    /// <summary>Another message has its place, so the entry is deleted, or moved; and there the process dies.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("reject", CutPoint.BeforeForward)]
    [InlineData("reject", CutPoint.BeforeReply)]
    [InlineData("enqueue", CutPoint.BeforeForward)]
    [InlineData("enqueue", CutPoint.BeforeReply)]
    public async Task Message_IsStoredOnce_WhenTheConnectionBreaksAtTheChangeOfItsEntry(string onBusy, CutPoint point)
    {
        var (session, message) = (await healthy.Client.CreateSessionAsync(), new { message = "mine", on_busy = onBusy });
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith(UserMessages, StringComparison.Ordinal));
        var cutOff = broken.Client.PostAsync(session, "key-1", message);
        await proxy.CutHappened;
        var promised = await PromisedAsync();
        var other = new Turn(await healthy.Client.SayAsync(session, "another's"));
        proxy.CutAt(1, point, subject => subject.StartsWith(Entries, StringComparison.Ordinal));
        proxy.Restore();
        await proxy.CutHappened;

        var isDeleted = onBusy == "reject" && point == CutPoint.BeforeReply;
        Assert.Equal(isDeleted ? 0 : 1, await healthy.EntriesAsync());
        using var retry = await healthy.Client.PostAsync(session, "key-1", message);
        using var again = await healthy.Client.PostAsync(session, "key-1", message);
        proxy.Restore();
        using var late = await cutOff;

        // The one that was cut off, too, finds what its key stands for by then.
        Assert.Equal(onBusy == "reject" && !isDeleted ? HttpStatusCode.Conflict : HttpStatusCode.OK, retry.StatusCode);
        var turn = await again.TurnAsync();
        Assert.Equal(turn.Frames, (await late.TurnAsync()).Frames);
        Assert.Equal([other.Id, turn.Id], await healthy.AskedAsync(session));
        Assert.Equal(1, await healthy.EntriesAsync());

        // Moved, it is the same turn, which has its place in a quota; deleted, the key stands for another.
        Assert.Equal(onBusy == "enqueue", turn.Id == promised);
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

    private async Task<TurnId> PromisedAsync() => JsonSerializer.Deserialize(
        (await healthy.Reader.LastAsync(Subjects.KeyValueStream(Buckets.Idempotency), Subjects.KeyValue(Buckets.Idempotency, "*"), TestContext.Current.CancellationToken))!.Data.Span, WireJson.Default.IdempotencyRecord)!.Turn;
}
