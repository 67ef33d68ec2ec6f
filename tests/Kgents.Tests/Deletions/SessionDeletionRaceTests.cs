using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Deletions;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Deletions;

/// <summary>Whoever comes too late for a session that is being deleted is refused or sees its turn cancelled, and leaves nothing behind.</summary>
public sealed class SessionDeletionRaceTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private NatsProxy proxy = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost api = null!;
    private SessionId session;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        api = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Messages:MaxQueued", "100"), ("Messages:AcceptTimeout", "00:01:00"), ("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        await model.DisposeAsync();
        await proxy.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryPost_IsRefusedOrItsTurnEnds_WhenFiftyRaceWithTheDeletion()
    {
        await using var replica = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Messages:MaxQueued", "100"), ("Messages:AcceptTimeout", "00:01:00"), ("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        await using var worker = await StartWorkerAsync(nats.Url);
        await using var other = await StartWorkerAsync(nats.Url);

        var posts = Enumerable.Range(0, 50).Select(number => PostAsync(number % 2 == 0 ? api : replica, $"message {number}")).ToList();
        await Task.WhenAny(posts);
        using var deleted = await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);
        var responses = await Task.WhenAll(posts);
        var ends = await Task.WhenAll(responses.Where(response => response.IsSuccessStatusCode).Select(response => response.TurnAsync()));

        Assert.All(responses, response => Assert.Contains(response.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.NotFound]));
        Assert.All(ends, turn => Assert.Contains(turn.EndKind, (string[])["complete", "cancelled"]));
        await Remains.NoneAsync(api, session);
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Post_IsRefusedAndLeavesNothing_WhenItsMessageIsStoredAfterAllIsDone()
    {
        await using var slow = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        await using var worker = await StartWorkerAsync(nats.Url);
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        var post = PostAsync(slow, "late");
        await hold.Reached;

        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        await Remains.NoneAsync(api, session);
        hold.Release();
        using var response = await post;

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        await Remains.NoneAsync(api, session);
        Assert.Empty(model.Requests);
        Assert.NotEqual(0UL, (await api.Reader.RangeAsync(Streams.Messages.Name, TestContext.Current.CancellationToken)).Last);
    }

    /// <summary>A purged log accepts a first entry, so a worker that slept through the whole deletion begins; it must find out, and clean up.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Worker_AsksNoModelAndLeavesNothing_WhenItSleptThroughTheDeletion()
    {
        await using var sleeper = await StartWorkerAsync(proxy.Url);
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.tokens.", StringComparison.Ordinal));
        using var post = await PostAsync(api, "hello");
        await hold.Reached;

        await using var worker = await StartWorkerAsync(nats.Url);
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        Assert.Equal("cancelled", (await post.TurnAsync()).Frames[^1].Event);
        await Remains.NoneAsync(api, session);
        var before = (await api.Reader.RangeAsync(Streams.Tokens.Name, TestContext.Current.CancellationToken)).Last;
        hold.Release();

        await Eventually.TrueAsync(async () => (await api.Reader.RangeAsync(Streams.Tokens.Name, TestContext.Current.CancellationToken)).Last > before);
        await Remains.NoneAsync(api, session);
        Assert.Empty(model.Requests);
    }

    /// <summary>Whoever had accepted it died before it could look again; so nobody renews the order.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsPurged_WhenItIsStoredAfterTheFirstPurgeAndNobodyTells()
    {
        var time = new MovableTime();
        await using var worker = await StartWorkerAsync(nats.Url, time, purgeAgainAfter: "00:30:00");
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        await Eventually.TrueAsync(async () => await OrderAsync() is { PurgedAt: not null });
        await worker.Services.GetRequiredService<SessionDeleter>().CarryOutAsync(
            await worker.Services.GetRequiredService<DeletionOrders>().ListAsync(TestContext.Current.CancellationToken).SingleAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Assert.NotNull(await OrderAsync());

        // Nobody can read it, so nobody runs it, and what becomes of it is no cancelled turn.
        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        await Conversations.AnswerAsync(api, session, 1);
        time.Ahead = TimeSpan.FromHours(1);

        await Remains.NoneAsync(api, session);
    }

    /// <summary>Who follows a turn may be behind: between its end and the purge he has the time of a look.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EndOfALog_IsThereToBeRead_UntilTheNextLook()
    {
        await using var worker = await StartWorkerAsync(nats.Url, interval: "00:01:00");
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(api, session, turn, new TurnCommitted(TurnStatus.Completed, null, "a-1", "hash", 0, 1, "gone", TokenCounts.None, TimeProvider.System.GetUtcNow(), []));
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();

        await LookAsync();
        Assert.Equal([TurnEventCodec.Committed, TurnEventCodec.Completed], (await TurnRecords.ReadAsync(api, session.ToString(), turn)).Kinds);
        await LookAsync();
        Assert.Empty((await TurnRecords.ReadAsync(api, session.ToString(), turn)).Kinds);

        async Task LookAsync()
        {
            var order = await worker.Services.GetRequiredService<DeletionOrders>().ListAsync(TestContext.Current.CancellationToken).SingleAsync(TestContext.Current.CancellationToken);
            await worker.Services.GetRequiredService<SessionDeleter>().CarryOutAsync(order, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Who removes an order that is carried out removes no other.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task LateMessage_IsPurged_WhenItsOrderComesWhileTheOneBeforeItIsRemoved()
    {
        await using var worker = await StartWorkerAsync(proxy.Url);
        var hold = proxy.HoldOnce(subject => subject == $"$JS.API.STREAM.PURGE.{Subjects.KeyValueStream(Buckets.Deletions)}");
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        await hold.Reached;

        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        await api.Services.GetRequiredService<DeletionOrders>().PlaceAsync(Conversations.Tenant, session, TestContext.Current.CancellationToken);
        hold.Release();

        await Remains.NoneAsync(api, session);
    }

    /// <summary>What it was placed for is not purged yet, or has a turn that is to be ended first.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Order_IsCarriedOutFromItsBeginning_WhenItComesWhileTheOneBeforeItIsCarriedOut()
    {
        await using var worker = await StartWorkerAsync(proxy.Url, purgeAgainAfter: "00:30:00");
        var hold = proxy.HoldOnce(subject => subject == $"$JS.API.STREAM.PURGE.{Subjects.KeyValueStream(Buckets.Cancels)}");
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        await hold.Reached;

        await api.Services.GetRequiredService<DeletionOrders>().PlaceAsync(Conversations.Tenant, session, TestContext.Current.CancellationToken);
        var renewed = await OrderAsync();
        hold.Release();

        await Eventually.TrueAsync(async () => await OrderAsync() is { PurgedAt: not null });
        Assert.Equal(renewed!.RequestedAt, (await OrderAsync())!.RequestedAt);
    }

    /// <summary>A purge takes only what was looked through.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsRecorded_WhenATurnIsCommittedJustBeforeItsLogIsPurged()
    {
        await using var worker = await StartWorkerAsync(proxy.Url);
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "hung"));
        var hold = proxy.HoldOnce(subject => subject == $"$JS.API.STREAM.PURGE.{Streams.Tokens.Name}");
        (await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken)).Dispose();
        await hold.Reached;

        var usage = new UsagePayload("u-1", $$"""{"id":"u-1","type":"kgents.llm.usage.v1","data":{"turn_id":"{{turn}}"} }""");
        await Conversations.LogAsync(api, session, turn, new TurnCommitted(TurnStatus.Completed, null, "a-1", "hash", 0, 1, "hung", TokenCounts.None, TimeProvider.System.GetUtcNow(), [usage]));
        hold.Release();
        await Remains.NoneAsync(api, session);

        Assert.Single((await TurnRecords.ReadAsync(api, session.ToString(), turn)).BillableUsage);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EverySession_IsDeleted_WhenSeveralWorkersDoSoAtOnce()
    {
        await using var first = await StartWorkerAsync(nats.Url);
        await using var second = await StartWorkerAsync(nats.Url);
        await using var third = await StartWorkerAsync(nats.Url);
        model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Usage(5, 6));
        var sessions = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => api.Client.CreateSessionAsync()));
        var turns = await Task.WhenAll(sessions.Select(async each => new Turn(await api.Client.SayAsync(each, "hello")).Id));

        await Task.WhenAll(sessions.Select(each => api.Client.DeleteAsync($"/v1/kgent/sessions/{each}", TestContext.Current.CancellationToken)));
        foreach (var (each, turn) in sessions.Zip(turns))
        {
            await Remains.NoneAsync(api, SessionId.Parse(each));
            Assert.Single((await TurnRecords.ReadAsync(api, each, turn)).BillableUsage);
        }
    }

    private Task<HttpResponseMessage> PostAsync(KgentsHost host, string message) => host.Client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message, on_busy = "enqueue" }) },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);

    private async Task<DeletionOrder?> OrderAsync() =>
        await api.Reader.LastAsync(Subjects.KeyValueStream(Buckets.Deletions), Subjects.Deletion(Conversations.Tenant, session), TestContext.Current.CancellationToken) is { } order
            ? JsonSerializer.Deserialize(order.Data.Span, WireJson.Default.DeletionOrder)
            : null;

    private Task<KgentsHost> StartWorkerAsync(string url, TimeProvider? time = null, string purgeAgainAfter = "00:00:00.500", string interval = "00:00:00.050") => KgentsHost.StartAsync(
        url,
        Parts.Streaming,
        time ?? TimeProvider.System,
        ("ConnectionStrings:llm", model.ConnectionString),
        ("Turns:AckWait", "00:00:00.500"),
        ("Turns:DrainTimeout", "00:00:00"),
        ("Deletions:Interval", interval),
        ("Deletions:PurgeAgainAfter", purgeAgainAfter));
}
