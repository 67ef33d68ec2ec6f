using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>A retry that comes when the log of its turn is gone is answered from the stored answer: at once, and saying so.</summary>
public sealed class IdempotencyReplayTests : TurnTest
{
    private KgentsHost host = null!;
    private string session = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Model:MaxRetries", "0"));
        session = await host.Client.CreateSessionAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <summary>Everything, or only the first entry: a log is removed from its beginning.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Retry_GetsTheEndAndAGap_WhenTheLogIsGone(bool onlyItsBeginning)
    {
        var turn = await (await PostAsync(stream: true)).TurnAsync();
        await PostLaterTurnAsync();
        await RemoveLogAsync(turn.Id, onlyItsBeginning);

        using var retry = await PostAsync(stream: true);
        Assert.True(retry.IsReplayed());
        var frame = Assert.Single((await retry.TurnAsync()).Frames);

        Assert.Equal(("complete", null, true), (frame.Event, frame.Id, frame.Json.GetProperty("gap").GetBoolean()));
        foreach (var field in new[] { "text", "tokens", "message_id", "model" })
        {
            Assert.Equal(turn.End.GetProperty(field).GetRawText(), frame.Json.GetProperty(field).GetRawText());
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Retry_GetsTheSameJson_WithAndWithoutTheLog(bool without)
    {
        var answer = await (await PostAsync(stream: false)).JsonAsync();
        await PostLaterTurnAsync();
        if (without)
        {
            await RemoveLogAsync(TurnId.Parse(answer.GetProperty("turn_id").GetString()!), onlyItsBeginning: false);
        }

        using var retry = await PostAsync(stream: false);

        Assert.True(retry.IsReplayed());
        Assert.Equal(answer.GetRawText(), (await retry.JsonAsync()).GetRawText());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Retry_GetsTheErrorOfAFailedTurn_WhenTheLogIsGone()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Status(500)));
        var failed = await PostAsync(stream: false);
        Assert.Equal((HttpStatusCode.BadGateway, false), (failed.StatusCode, failed.IsReplayed()));
        var problem = await failed.JsonAsync();
        var live = (await (await PostAsync(stream: true)).TurnAsync()).End;
        await RemoveLogAsync(TurnId.Parse(problem.GetProperty("turn_id").GetString()!), onlyItsBeginning: false);

        using var retry = await PostAsync(stream: true);
        using var json = await PostAsync(stream: false);
        var frame = Assert.Single((await retry.TurnAsync()).Frames);

        Assert.Equal(("error", true), (frame.Event, frame.Json.GetProperty("gap").GetBoolean()));
        Assert.Equal((live.GetProperty("code").GetString(), live.GetProperty("message").GetString()), (frame.Json.GetProperty("code").GetString(), frame.Json.GetProperty("message").GetString()));
        Assert.Equal((HttpStatusCode.BadGateway, true), (json.StatusCode, json.IsReplayed()));
        Assert.Equal(problem.GetProperty("detail").GetString(), (await json.JsonAsync()).GetProperty("detail").GetString());
        Assert.Single(Model.Requests);
    }

    private Task<HttpResponseMessage> PostAsync(bool stream) => host.Client.PostAsync(session, "key-1", new { message = "hello", stream });

    /// <summary>The session goes on: the answer of the turn is not its last one any more.</summary>
    private async Task PostLaterTurnAsync()
    {
        Model.Enqueue(ModelScript.Reply("later"));
        Assert.Equal("later", new Turn(await host.Client.SayAsync(session, "and then?")).Text);
    }

    private async Task RemoveLogAsync(TurnId turn, bool onlyItsBeginning)
    {
        var subject = Subjects.Tokens(new TurnAddress(Conversations.Tenant, SessionId.Parse(session), turn));
        var first = await host.Reader.NextAsync(Streams.Tokens.Name, subject, 1, TestContext.Current.CancellationToken);
        await host.JetStream.PurgeStreamAsync(
            Streams.Tokens.Name, new StreamPurgeRequest { Filter = subject, Seq = onlyItsBeginning ? first!.Sequence + 1 : 0 }, TestContext.Current.CancellationToken);
    }
}
