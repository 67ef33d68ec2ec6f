using System.Net;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deletions;

/// <summary>A session can be deleted whatever its turns are doing: they end, and what they used is recorded.</summary>
public sealed class DeletedTurnTests : SessionDeletionTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task RunningTurn_EndsCancelled_AndOnlyItsUsageIsLeft()
    {
        await using var worker = await StartWorkerAsync();
        using var response = await api.Client.PostAsync(session.ToString(), "count");
        using var following = await GetAsync("/events");
        await api.ChunkLoggedAsync();

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());
        await IsGoneForClientsAsync();
        var turn = await response.TurnAsync();
        var seen = await SseClient.ReadAsync(following, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(("cancelled", "one"), (turn.EndKind, turn.Text));
        Assert.Equal("cancelled", seen[^1].Event);
        await Model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
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
        Assert.Empty(Model.Requests);
    }

    /// <summary>Nobody has a slot for the turn, so the queue does not end it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurns_EndCancelled_WhenEveryWorkerIsBusy()
    {
        await using var worker = await StartWorkerAsync(("Turns:Slots", "1"));
        using var busy = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count");
        await api.ChunkLoggedAsync();
        using var first = await api.Client.PostAsync(session.ToString(), "count");
        using var second = await api.Client.PostAsync(session.ToString(), "key", new { message = "count", on_busy = "enqueue" });

        Assert.Equal(HttpStatusCode.Accepted, await DeleteAsync());

        Assert.Equal(["cancelled", "cancelled"], [(await first.TurnAsync()).Frames[^1].Event, (await second.TurnAsync()).Frames[^1].Event]);
        await Remains.NoneAsync(api, session);
        Assert.Single(Model.Requests);
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
        Assert.Empty(Model.Requests);
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
        Model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Usage(11, 3));
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"));
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

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
