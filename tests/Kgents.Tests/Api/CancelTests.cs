using System.Net;
using System.Net.Http.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A cancel wins before the turn starts, while it runs and when it is taken over, and closes the connection to the model.</summary>
public sealed class CancelTests : ApiTurnTest
{
    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RunningTurn_EndsCancelledWithWhatWasSaid_AndTheModelIsLetGo()
    {
        await using var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();

        Assert.Equal(HttpStatusCode.Accepted, await CancelAsync(session));
        Assert.Equal(HttpStatusCode.Accepted, await CancelAsync(session));
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("cancelled", "one"), (turn.EndKind, turn.Text));
        await Model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
        var records = await TurnRecords.ReadAsync(api, session, turn.Id);
        Assert.Equal((TurnStatus.Cancelled, "one"), (Assert.Single(records.Answers).Status, records.Answers[0].Text));
        Assert.Equal("client_cancelled", Assert.Single(records.Usage).GetProperty("data").GetProperty("outcome").GetString());
        Assert.Equal(HttpStatusCode.Accepted, await CancelAsync(session));
        Model.DefaultScript = ModelScript.Reply("next");
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session, "next")).EndKind);
    }

    /// <summary>Also for a client that asked for a cancel when it leaves: it has not left.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Turn_GoesOn_WhenItsApiStops(bool stream)
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var worker = await StartWorkerAsync();
        await using var stopping = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var session = await api.Client.CreateSessionAsync();
        var posting = stopping.Client.PostAsync(session, "key", new { message = "count", on_disconnect = "cancel", stream });
        await api.ChunkLoggedAsync();

        // A host that is disposed of lets its client go first, which would be a client that leaves.
        stopping.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        using (var response = await posting)
        {
            Assert.Equal(stream ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, response.StatusCode);
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        }

        held.Release();

        Assert.Equal((TurnStatus.Completed, "one two"), (await Conversations.AnswerAsync(api, SessionId.Parse(session), 1)) is var answer ? (answer.Status, answer.Text) : default);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_GoesOn_WhenItsClientLeaves_AndAskedForNothing()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();

        response.Dispose();
        await Eventually.TrueAsync(() => api.Services.GetRequiredService<Kgents.Api.Turns.TurnFeeds>().Count == 0);
        held.Release();

        Assert.Equal((TurnStatus.Completed, "one two"), (await Conversations.AnswerAsync(api, SessionId.Parse(session), 1)) is var answer ? (answer.Status, answer.Text) : default);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WaitingTurn_EndsCancelledWithoutTheModel()
    {
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        Assert.Equal(HttpStatusCode.Accepted, await CancelAsync(session));

        await using var worker = await StartWorkerAsync();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal("cancelled", turn.EndKind);
        Assert.Empty(Model.Requests);
        Assert.Empty((await TurnRecords.ReadAsync(api, session, turn.Id)).BillableUsage);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task TakenOverTurn_EndsCancelledWithoutTheModelBeingAskedAgain()
    {
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.LogAsync(api, session, turn, new TurnChunk("lost", 0));
        await Conversations.AskAsync(api, session, turn, 1);
        Assert.Equal(HttpStatusCode.Accepted, await CancelAsync(session.ToString()));

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);

        Assert.Equal((TurnStatus.Cancelled, ""), (answer.Status, answer.Text));
        Assert.Empty(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsCancelled_WhenTheWorkerIsNotTold()
    {
        // The worker's connection loses what it is asked, so only the mark can stop the turn: before its commit.
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Usage(5, 6));
        Model.DefaultScript = held;
        await using var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var turn = TurnId.Parse((await api.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString()!);

        await Conversations.StoreAsync(api, Subjects.CancelMark(new TurnAddress(Conversations.Tenant, SessionId.Parse(session), turn)), "{}"u8.ToArray());
        held.Release();
        var seen = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("cancelled", 11), (seen.EndKind, seen.End.GetProperty("tokens").GetProperty("total").GetInt32()));
        Assert.Single((await TurnRecords.ReadAsync(api, session, turn)).BillableUsage);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EndedTurn_Answers409()
    {
        Model.DefaultScript = ModelScript.Reply("done");
        await using var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        await api.Client.SayAsync(session, "count");

        Assert.Equal(HttpStatusCode.Conflict, await CancelAsync(session));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Turn_IsCancelled_WhenItsClientLeavesAndAskedForThat(bool stream)
    {
        await using var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        using var leaving = new CancellationTokenSource();
        var post = api.Client.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message = "count", stream, on_disconnect = "cancel" }) },
            HttpCompletionOption.ResponseHeadersRead,
            leaving.Token);
        await api.ChunkLoggedAsync();

        await leaving.CancelAsync();
        if (stream)
        {
            (await post).Dispose();
        }

        Assert.Equal(TurnStatus.Cancelled, (await Conversations.AnswerAsync(api, SessionId.Parse(session), 1)).Status);
        await Model.ClientLeft.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A model that says nothing is given up for that only after the test: what lets it go before is a cancel.</summary>
    private Task<KgentsHost> StartWorkerAsync() =>
        KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Model:IdleTimeout", "00:10:00"));

    private async Task<HttpStatusCode> CancelAsync(string session)
    {
        var turn = (await api.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString();
        using var response = await api.Client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/cancel", UriKind.Relative), null, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
