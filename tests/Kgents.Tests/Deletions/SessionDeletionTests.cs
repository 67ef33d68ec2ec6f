using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deletions;

/// <summary>A session can be deleted whatever its turns are doing: they end, it is gone for everybody at once, and what the streams held of it goes.</summary>
public sealed class SessionDeletionTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost api = null!;
    private SessionId session;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall());
        api = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:00.100"));
        session = SessionId.Parse(await api.Client.CreateSessionAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RunningTurn_EndsCancelled_AndOnlyItsUsageIsLeft()
    {
        await using var worker = await StartWorkerAsync();
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        using var following = await GetAsync("/events");
        await ChunkAsync();

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        await IsGoneForClientsAsync();
        var turn = await response.TurnAsync();
        var seen = await SseClient.ReadAsync(following, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(("cancelled", "one"), (turn.EndKind, turn.Text));
        Assert.Equal("cancelled", seen[^1].Event);
        await model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
        await Remains.NoneAsync(api, session);
        Assert.Equal("client_cancelled", Assert.Single((await TurnRecords.ReadAsync(api, session.ToString(), turn.Id)).Usage).GetProperty("data").GetProperty("outcome").GetString());

        // For ever: the id is not free again, and to delete it again is no error.
        await IsGoneForClientsAsync();
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        Assert.Equal((0, 0, 0, 0), await Remains.OfAsync(api, session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurn_EndsCancelledWithoutTheModel()
    {
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();

        Assert.Equal("cancelled", (await response.TurnAsync()).EndKind);
        await Remains.NoneAsync(api, session);
        Assert.Empty(model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task CancelMarks_GoWithTheirSession()
    {
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        var turn = (await api.AskedAsync(session.ToString()))[0];
        using var cancelled = await api.Client.PostAsync($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", null, TestContext.Current.CancellationToken);
        Assert.Equal(1, (await Remains.OfAsync(api, session)).Marks);
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();

        Assert.Equal("cancelled", (await response.TurnAsync()).EndKind);
        await Remains.NoneAsync(api, session);
    }

    /// <summary>Nobody has a slot for the turn, so the queue does not end it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurns_EndCancelled_WhenEveryWorkerIsBusy()
    {
        await using var worker = await StartWorkerAsync(("Turns:Slots", "1"));
        using var busy = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count");
        await ChunkAsync();
        using var first = await api.Client.PostAsync(session.ToString(), "count");
        using var second = await api.Client.PostAsync(session.ToString(), "key", new { message = "count", on_busy = "enqueue" });

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        Assert.Equal(["cancelled", "cancelled"], [(await first.TurnAsync()).Frames[^1].Event, (await second.TurnAsync()).Frames[^1].Event]);
        await Remains.NoneAsync(api, session);
        Assert.Single(model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WaitingRequest_IsToldThatTheTurnIsCancelled_WhenItDoesNotStream()
    {
        var post = api.Client.PostAsync(session.ToString(), "count", stream: false);
        await Eventually.TrueAsync(async () => (await api.AskedAsync(session.ToString())).Count == 1);
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();
        using var response = await post;

        Assert.Equal("urn:kgents:problem:turn-cancelled", (await response.JsonAsync()).GetProperty("type").GetString());
        await Remains.NoneAsync(api, session);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task TakenOverTurn_EndsCancelledWithoutTheModelBeingAskedAgain()
    {
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("lost", 0));
        await Conversations.AskAsync(api, session, turn, 1);
        using var following = await GetAsync($"/turns/{turn}/events");
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();

        Assert.Equal("cancelled", (await following.TurnAsync()).EndKind);
        await Remains.NoneAsync(api, session);
        Assert.Empty(model.Requests);
    }

    /// <summary>What was committed is billed and kept for audit, once, and told, although all of the session is to go.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task CommittedTurn_IsFinished_AndItsUsageIsRecordedOnce(bool hasMessage)
    {
        var turn = TurnId.New(TimeProvider.System);
        var usage = new UsagePayload("u-1", $$"""{"id":"u-1","type":"kgents.llm.usage.v1","data":{"turn_id":"{{turn}}"} }""");
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("whole", 0));
        await Conversations.LogAsync(api, session, turn, new TurnCommitted(
            TurnStatus.Completed, null, "a-1", Hash("whole"), 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), [usage])
        {
            Decision = TurnRecords.Decision,
        });
        if (hasMessage)
        {
            await Conversations.AskAsync(api, session, turn, 1);
        }

        using var following = await GetAsync($"/turns/{turn}/events");
        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await using var worker = await StartWorkerAsync();
        await using var other = await StartWorkerAsync();

        Assert.Equal("complete", (await following.TurnAsync()).EndKind);
        await Remains.NoneAsync(api, session);
        Assert.Single((await TurnRecords.ReadAsync(api, session.ToString(), turn)).BillableUsage);
        Assert.Equal(turn, Assert.Single(await TurnRecords.DecisionsAsync(api)).Turn);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsRecorded_WhenTheTurnsWorkerDiesBetweenItsCommitAndItsUsage()
    {
        model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Usage(11, 3));
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"));
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("kgents.usage.", StringComparison.Ordinal));
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        await proxy.CutHappened;
        var turn = (await api.AskedAsync(session.ToString()))[0];

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        await using var heir = await StartWorkerAsync();
        await Remains.NoneAsync(api, session);

        Assert.Equal("complete", (await response.TurnAsync()).EndKind);
        Assert.Equal("11", Assert.Single((await TurnRecords.ReadAsync(api, session.ToString(), turn)).BillableUsage).GetProperty("data").GetProperty("input_tokens").GetString());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Order_IsCarriedOut_WhenWhoStoredItDiedBeforeItSetTheMark()
    {
        model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        await api.Client.SayAsync(session.ToString(), "hello");

        await Conversations.StoreAsync(
            api, Subjects.Deletion(Conversations.Tenant, session), JsonSerializer.SerializeToUtf8Bytes(new DeletionOrder(TimeProvider.System.GetUtcNow()), WireJson.Default.DeletionOrder));
        await Remains.NoneAsync(api, session);

        await IsGoneForClientsAsync();
    }

    /// <summary>With the mark first, all that the session had said would stay for ever.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward)]
    [InlineData(CutPoint.BeforeReply)]
    public async Task Session_IsDeletedWhole_WhenTheApiDiesBetweenItsTwoWrites(CutPoint point)
    {
        model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        await api.Client.SayAsync(session.ToString(), "hello");
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        proxy.CutAt(
            point == CutPoint.BeforeReply ? 1 : 2,
            point,
            subject => subject == Subjects.Deletion(Conversations.Tenant, session) || subject == Subjects.SessionRecord(Conversations.Tenant, session));

        var deleting = doomed.Client.DeleteAsync($"/v1/kgent/sessions/{session}", leaving.Token);
        await proxy.CutHappened;

        await Remains.NoneAsync(api, session);
        await IsGoneForClientsAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => deleting);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Order_ThatCannotBeRead_IsCarriedOutAllTheSame()
    {
        await using var worker = await StartWorkerAsync();
        await Conversations.StoreAsync(api, Subjects.Deletion(Conversations.Tenant, session), "not json"u8.ToArray());

        await Remains.NoneAsync(api, session);

        await IsGoneForClientsAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Session_IsDeleted_WhenItsAnswersCannotBeRead()
    {
        await using var worker = await StartWorkerAsync();
        await Conversations.StoreAsync(api, Subjects.AssistantMessages(Conversations.Tenant, session), "not json"u8.ToArray());
        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, session), "not json"u8.ToArray());

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        await Remains.NoneAsync(api, session);
        await IsGoneForClientsAsync();
    }

    /// <summary>Its end was purged before this replica saw it, so there is nothing that it could be told.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Streams_EndQuietly_WhenTheLogIsGoneBeforeTheyHaveSeenAnEnd()
    {
        using var turn = await api.Client.PostAsync(session.ToString(), "count");
        using var all = await GetAsync("/events");
        await Conversations.StoreAsync(api, Subjects.SessionRecord(Conversations.Tenant, session), [], new NATS.Client.Core.NatsHeaders { ["KV-Operation"] = "DEL" });

        await api.JetStream.PurgeStreamAsync(
            Streams.Messages.Name, new NATS.Client.JetStream.Models.StreamPurgeRequest { Filter = Subjects.Conversation(Conversations.Tenant, session) }, TestContext.Current.CancellationToken);

        Assert.Empty(await SseClient.ReadAsync(turn, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Empty(await SseClient.ReadAsync(all, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task OtherSessions_StayAsTheyAre_AndPagesAreFull()
    {
        model.DefaultScript = ModelScript.Reply("hello");
        await using var worker = await StartWorkerAsync();
        string[] kept = [await api.Client.CreateSessionAsync(), await api.Client.CreateSessionAsync()];
        foreach (var each in kept.Append(session.ToString()))
        {
            await api.Client.SayAsync(each, "hello");
        }

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        await Remains.NoneAsync(api, session);

        foreach (var each in kept)
        {
            Assert.Equal(2, (await api.Client.MessagesAsync(each)).Count);
            Assert.Equal("complete", new Turn(await api.Client.SayAsync(each, "again")).EndKind);
        }

        var page = await api.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions?limit=2", TestContext.Current.CancellationToken);
        Assert.Equal(kept.Reverse(), page.GetProperty("sessions").EnumerateArray().Select(each => each.GetProperty("id").GetString()));
        Assert.False(page.TryGetProperty("next", out _));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsDeleted_WhenThereIsNoSuchSession()
    {
        var unknown = SessionId.New(0, TimeProvider.System);

        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.DeleteAsync($"/v1/kgent/sessions/{unknown}", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.DeleteAsync("/v1/kgent/sessions/s0-1", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal((0, 0, 0, 0), await Remains.OfAsync(api, unknown));
    }

    private async Task IsGoneForClientsAsync()
    {
        var turn = TurnId.New(TimeProvider.System);
        foreach (var path in (string[])["", "/messages", "/events", $"/turns/{turn}", $"/turns/{turn}/events"])
        {
            using var response = await GetAsync(path);
            Assert.Equal((path, HttpStatusCode.NotFound), (path, response.StatusCode));
            Assert.Equal("urn:kgents:problem:session-not-found", (await response.JsonAsync()).GetProperty("type").GetString());
        }

        using var post = await api.Client.PostAsync(session.ToString(), "hello");
        Assert.Equal(HttpStatusCode.NotFound, post.StatusCode);
        using var list = await api.Client.GetAsync("/v1/kgent/sessions", TestContext.Current.CancellationToken);
        Assert.DoesNotContain(session.ToString(), await list.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private Task<KgentsHost> StartWorkerAsync(params (string, string?)[] settings) => KgentsHost.StartAsync(
        nats.Url,
        Parts.Streaming,
        [("ConnectionStrings:llm", model.ConnectionString), ("Turns:AckWait", "00:00:00.500"), ("Turns:DrainTimeout", "00:00:00"), ("Deletions:Interval", "00:00:00.050"), ("Deletions:PurgeAgainAfter", "00:00:00.500"), .. settings]);

    private Task<HttpResponseMessage> GetAsync(string path) =>
        api.Client.GetAsync($"/v1/kgent/sessions/{session}{path}", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

    private async Task<HttpStatusCode> DeleteAsync()
    {
        using var response = await api.Client.DeleteAsync($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private Task ChunkAsync() => Eventually.TrueAsync(async () =>
        (await api.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken))?.Header(TurnHeaders.Event) == "chunk");

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
