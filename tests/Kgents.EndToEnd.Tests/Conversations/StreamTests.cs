using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Conversations;

[Collection(typeof(OneSystem))]
public sealed class StreamTests(SharedSystem shared)
{
    /// <summary>White space at both ends and between, quotes, markup, an emoji of four code points, and letters whose accents are code points of their own.</summary>
    private static readonly string[] Difficult =
        ["  two spaces", " first,\n\n", "\ta \"quoted\" 'word'\r\n", "<b>&amp;</b> \\n ", "👩", "\u200d", "🚀", " cafe", "\u0301", " Z\u0323\u0301 日本語", " data: x\n\n", " \u2028end\n "];

    private readonly KgentsSystem system = shared.System;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Stream_KeepsEveryByte_FromTheModelToTheClientAndTheStore()
    {
        system.Model.Enqueue(new ModelScript([.. Difficult.Select(token => new ModelStep.Token(token)), new ModelStep.Usage(31, 12)]));
        var session = await system.Client.CreateSessionAsync();

        var frames = await system.Client.SayAsync(session, "Say something difficult.");

        var expected = string.Concat(Difficult);
        var complete = frames.Terminal();
        Assert.Equal("complete", complete.Event);
        Assert.Equal(expected, frames.ShownText());
        Assert.Equal(expected, complete.Json.Text("text"));
        Assert.Equal(expected, (await system.Client.MessagesAsync(session))[^1].Text("content"));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Stream_HasItsEventsInOrder_WithRisingIdsAndContiguousIndexes()
    {
        system.Model.Enqueue(new ModelScript([.. Difficult.Select(token => new ModelStep.Token(token)), new ModelStep.Usage(31, 12, Cached: 8, Reasoning: 3)]));
        var session = await system.Client.CreateSessionAsync();

        var frames = await system.Client.SayAsync(session, "In order, please.");

        Assert.Equal(["accepted", "chunk", "usage", "complete"], frames.Outline());
        Assert.Equal(frames.Ids().Distinct().Order(), frames.Ids());
        var indexes = frames.Named("chunk").Select(chunk => chunk.GetProperty("index").GetInt32()).ToArray();
        Assert.Equal(Enumerable.Range(0, indexes.Length), indexes);

        var accepted = Assert.Single(frames.Named("accepted"));
        var usage = Assert.Single(frames.Named("usage"));
        var complete = frames.Terminal().Json;
        Assert.Equal("scripted-1", accepted.Text("model"));
        Assert.Equal("scripted-1", complete.Text("model"));
        Assert.True(usage.GetProperty("final").GetBoolean());
        Assert.Equal((31, 12), usage.Tokens());
        Assert.Equal((31, 12), complete.Tokens());
        Assert.Equal(indexes.Length, complete.GetProperty("chunks").GetInt32());
        Assert.Equal((await system.Client.MessagesAsync(session))[^1].Text("id"), complete.Text("message_id"));
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Stream_TellsProxiesToPassItOn()
    {
        var session = await system.Client.CreateSessionAsync();

        await using var turn = await system.Client.FollowAsync(session, "Which headers?");
        await turn.ReadToEndAsync();

        var headers = turn.Response.Headers;
        Assert.Equal("text/event-stream", turn.Response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["no-cache", "no-transform"], headers.GetValues("Cache-Control").SelectMany(value => value.Split(", ")).Order());
        Assert.Equal("no", Assert.Single(headers.GetValues("X-Accel-Buffering")));
        Assert.Empty(turn.Response.Content.Headers.ContentEncoding);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task EachToken_ReachesTheClient_BeforeTheModelMakesTheNext()
    {
        string[] tokens = ["One", " two", " three"];
        var script = new ModelScript([.. tokens.SelectMany(token => new ModelStep[] { new ModelStep.Token(token), new ModelStep.WaitForRelease() })]);
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();

        await using var turn = await system.Client.FollowAsync(session, "Slowly.");
        for (var index = 0; index < tokens.Length; index++)
        {
            // The model says nothing more until this very token was seen.
            var chunk = (await turn.NextAsync("chunk")).Json;
            Assert.Equal((tokens[index], index), (chunk.Text("text"), chunk.GetProperty("index").GetInt32()));
            script.Release();
        }

        Assert.Equal("One two three", (await turn.ReadToEndAsync()).Terminal().Json.Text("text"));
    }
}
