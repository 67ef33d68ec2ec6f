using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>A turn can be followed from any of its events, on any replica, while it runs and after it ended.</summary>
public sealed class FollowTests : TurnTest
{
    private KgentsHost host = null!;
    private KgentsHost replica = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));
        replica = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
    }

    public override async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replica_SendsTheRest_FromEachEventOn()
    {
        Model.DefaultScript = ModelScript.Reply("one", " two", " three");
        var (session, turn) = await SayAsync();

        for (var seen = 0; seen < turn.Frames.Count - 1; seen++)
        {
            var rest = await FollowAsync(replica, session, turn.Id, seen == 0 ? null : turn.Frames[seen - 1].Id);
            Assert.Equal(turn.Frames.Skip(seen), rest);
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Viewers_SeeTheSameEvents_WhileTheTurnRuns()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "count");
        await host.ChunkLoggedAsync();
        var id = await TurnIdAsync(session);
        Assert.Equal("running", (await StateAsync(session, id)).GetProperty("state").GetString());

        var viewers = Enumerable.Range(0, 3).Select(_ => FollowAsync(replica, session, id, null)).ToList();
        held.Release();
        var all = await Task.WhenAll([.. viewers, FramesAsync(response)]);

        Assert.All(all, frames => Assert.Equal(all[0], frames));
        Assert.Equal("one two", new Turn(all[0]).Text);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Viewers_SeeTheTurn_WhenOneCameWithTheIdOfALaterTurn()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        var session = await host.Client.CreateSessionAsync();
        using var post = await host.Client.PostAsync(session, "count");
        await host.ChunkLoggedAsync();
        var id = await TurnIdAsync(session);

        using var ahead = await replica.Client.SendAsync(Request(session, id, "1000000"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var other = await replica.Client.SendAsync(Request(session, id, "1"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        held.Release();

        Assert.Equal(" two", new Turn(await FramesAsync(ahead)).Text);
        Assert.Equal("one two", new Turn(await FramesAsync(other)).Text);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EndedTurn_Answers204_WhenTheCursorIsAtItsEnd()
    {
        var (session, turn) = await SayAsync();

        using var response = await replica.Client.SendAsync(Request(session, turn.Id, turn.Frames[^1].Id), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnsweredTurn_TellsItsEnd_WhenItsWorkerDiedBeforeThat()
    {
        var (session, turn) = await SayAsync();
        var end = (await host.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken))!;
        await host.JetStream.DeleteMessageAsync(Streams.Tokens.Name, new StreamMsgDeleteRequest { Seq = end.Sequence }, TestContext.Current.CancellationToken);

        using var response = await replica.Client.SendAsync(Request(session, turn.Id, turn.Frames[^2].Id), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await host.JetStream.PublishAsync(end.Subject, end.Data.ToArray(), headers: end.Headers, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(turn.Frames[^1].Data, Assert.Single(await FramesAsync(response)).Data);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EndedTurn_IsToldFromItsAnswerWithAGap_WhenItsLogHasExpired()
    {
        Model.DefaultScript = ModelScript.Reply("kept");
        var (session, turn) = await SayAsync();
        await host.JetStream.PurgeStreamAsync(Streams.Tokens.Name, new StreamPurgeRequest(), TestContext.Current.CancellationToken);

        var frame = Assert.Single(await FollowAsync(replica, session, turn.Id, turn.Frames[0].Id));

        Assert.Equal(("complete", "kept", true), (frame.Event, frame.Json.GetProperty("text").GetString(), frame.Json.GetProperty("gap").GetBoolean()));
        Assert.Equal("completed", (await StateAsync(session, turn.Id)).GetProperty("state").GetString());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_TellsItsStateAndCounts_OnceItHasEnded()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(3, 4));
        var (session, turn) = await SayAsync();

        var state = await StateAsync(session, turn.Id);

        Assert.Equal(("completed", 1, 7), (state.GetProperty("state").GetString(), state.GetProperty("attempt").GetInt32(), state.GetProperty("tokens").GetProperty("total").GetInt32()));
        Assert.Equal(turn.Frames[^1].Id, state.GetProperty("last_event_id").GetString());
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("t-00000000000000000000000000000000", null, HttpStatusCode.NotFound)]
    [InlineData("t-1", null, HttpStatusCode.BadRequest)]
    [InlineData("t-00000000000000000000000000000000", "x", HttpStatusCode.BadRequest)]
    [InlineData("t-00000000000000000000000000000000", "-1", HttpStatusCode.BadRequest)]
    public async Task Turn_IsRefused_WhenItOrTheCursorIsNone(string turn, string? cursor, HttpStatusCode expected)
    {
        var session = await host.Client.CreateSessionAsync();

        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/kgent/sessions/{session}/turns/{turn}/events");
        request.Headers.TryAddWithoutValidation("Last-Event-ID", cursor);
        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private async Task<(string Session, Turn Turn)> SayAsync()
    {
        var session = await host.Client.CreateSessionAsync();
        return (session, new Turn(await host.Client.SayAsync(session, "count")));
    }

    private async Task<TurnId> TurnIdAsync(string session) => TurnId.Parse((await host.Client.MessagesAsync(session))[^1].GetProperty("turn_id").GetString()!);

    private Task<JsonElement> StateAsync(string session, TurnId turn) =>
        replica.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/turns/{turn}", TestContext.Current.CancellationToken);

    private static async Task<IReadOnlyList<SseFrame>> FollowAsync(KgentsHost host, string session, TurnId turn, string? after)
    {
        using var response = await host.Client.SendAsync(Request(session, turn, after), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return await FramesAsync(response);
    }

    private static async Task<IReadOnlyList<SseFrame>> FramesAsync(HttpResponseMessage response) =>
        await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

    private static HttpRequestMessage Request(string session, TurnId turn, string? after)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/kgent/sessions/{session}/turns/{turn}/events");
        if (after is not null)
        {
            request.Headers.Add("Last-Event-ID", after);
        }

        return request;
    }
}
