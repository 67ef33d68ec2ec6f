using System.Globalization;
using System.Net;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>All turns of a session come on one connection: each event once, in order, with its turn, wherever and however often the client connects.</summary>
public sealed class SessionStreamTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;
    private string session = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"));
        replica = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "01:00:00"), ("Turns:Stream:HeartbeatInterval", "00:00:01"));
        session = await host.Client.CreateSessionAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_HasTheTurnsOneAfterTheOther_WithTheEventsOfTheirOwnStreams()
    {
        model.DefaultScript = ModelScript.Reply("one", " two", " three");
        await using var stream = await FollowAsync(replica);

        var first = await host.Client.SayAsync(session, "count");
        var second = await host.Client.SayAsync(session, "again");

        Assert.Equal([TurnOf(first), .. first, TurnOf(second), .. second], await stream.ReadAsync(first.Count + second.Count + 2));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replica_SendsTheRest_FromEachEventOn()
    {
        model.DefaultScript = ModelScript.Reply("one", " two");
        var first = await host.Client.SayAsync(session, "count");
        var second = await host.Client.SayAsync(session, "again");
        SseFrame[] all = [.. first, .. second];

        for (var seen = 0; seen < all.Length - 1; seen++)
        {
            await using var stream = await FollowAsync(replica, lastEventId: seen == 0 ? "0" : all[seen - 1].Id);
            var expected = seen < first.Count ? [TurnOf(first), .. first.Skip(seen), TurnOf(second), .. second] : (SseFrame[])[TurnOf(second), .. all.Skip(seen)];
            Assert.Equal(expected, await stream.ReadAsync(expected.Length));
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_BeginsWithTheTurnUnderWay_WhenThereIsNoCursor()
    {
        await host.Client.SayAsync(session, "before");
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        model.DefaultScript = held;
        using var post = await host.Client.PostAsync(session, "count");
        await Eventually.TrueAsync(async () => (await LastAsync())?.Header(TurnHeaders.Event) == "chunk");

        await using var stream = await FollowAsync(replica);
        held.Release();
        var frames = await SseClient.ReadAsync(post, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal([TurnOf(frames), .. frames], await stream.ReadAsync(frames.Count + 1));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Client_MissesNothing_WhenItIsCutBeforeItsFirstEvent()
    {
        await host.Client.SayAsync(session, "before");
        string primed;
        using (var response = await GetAsync(replica, null, null))
        {
            var lines = await SseClient.ReadLinesAsync(response, TestContext.Current.CancellationToken).Take(4).ToListAsync(TestContext.Current.CancellationToken);
            Assert.Equal([":ok", "retry: 1000", $"id: {(await LastAsync())!.Sequence}", ""], lines);
            primed = lines[2]["id: ".Length..];
        }

        var frames = await host.Client.SayAsync(session, "while it was away");
        await using var stream = await FollowAsync(replica, lastEventId: primed);

        Assert.Equal([TurnOf(frames), .. frames], await stream.ReadAsync(frames.Count + 1));
    }

    /// <summary>Two turns may write at once: an answer is there before the terminal event, and the next turn needs only the answer.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Stream_KeepsTheOrderOfTheLog_WhenTurnsInterleaveAndLiveMessagesAreLost()
    {
        var id = SessionId.Parse(session);
        var (a, b) = (TurnId.New(TimeProvider.System), TurnId.New(TimeProvider.System));
        await using var stream = await FollowAsync(replica);
        await Conversations.LogAsync(host, id, a, new TurnAccepted(a, 1, "m"));
        await Conversations.LogAsync(host, id, b, new TurnAccepted(b, 1, "m"));
        await Conversations.LogAsync(host, id, b, new TurnChunk("b", 0));
        var before = await stream.ReadAsync(5);

        // The end of the first turn is lost on the way; the next message of the second names only the one before it of its own.
        await RepublishAsync(to: null);
        await Conversations.LogAsync(host, id, a, new TurnFailed("interrupted", "over"));
        await RepublishAsync(Subjects.AllLive);
        await Conversations.LogAsync(host, id, b, new TurnChunk(" c", 1));
        var after = await stream.ReadAsync(4);

        Assert.Equal(["turn", "accepted", "turn", "accepted", "chunk", "turn", "error", "turn", "chunk"], before.Concat(after).Select(frame => frame.Event));
        Assert.Equal([$"{a}", $"{b}", $"{a}", $"{b}"], before.Concat(after).Where(frame => frame.Event == "turn").Select(frame => frame.Json.GetProperty("turn_id").GetString()));
        var ids = before.Concat(after).Where(frame => frame.Id is not null).Select(frame => ulong.Parse(frame.Id!, CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(ids.Order().Distinct(), ids);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LostLastMessage_IsFound_WhenTheEndOfTheLogIsLookedUp()
    {
        var turn = TurnId.New(TimeProvider.System);
        await using var checking = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        await using var stream = await FollowAsync(checking);
        await RepublishAsync(to: null);

        await Conversations.LogAsync(host, SessionId.Parse(session), turn, new TurnAccepted(turn, 1, "m"));

        Assert.Equal(["turn", "accepted"], (await stream.ReadAsync(2)).Select(frame => frame.Event));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Gap_IsToldOnce_WhenTheLogDoesNotReachBackToTheCursor()
    {
        var first = await host.Client.SayAsync(session, "count");
        var second = await host.Client.SayAsync(session, "again");
        await PurgeAsync(before: second[1].Id!);

        await using (var stream = await FollowAsync(replica, lastEventId: first[0].Id))
        {
            var frames = await stream.ReadAsync(3);
            Assert.Equal(new SseFrame("gap", second[0].Id, $$"""{"after":"{{first[0].Id}}"}"""), frames[0]);
            Assert.Equal([TurnOf(second), second[1]], frames.Skip(1));
        }

        await using var again = await FollowAsync(replica, lastEventId: second[0].Id);
        Assert.Equal([TurnOf(second), second[1]], await again.ReadAsync(2));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Gap_IsTold_WhenAllIsAskedForAndTheLogHasLostTheBeginning()
    {
        var first = await host.Client.SayAsync(session, "count");
        var second = await host.Client.SayAsync(session, "again");

        // First a whole turn is missing, then a part of one, then all.
        foreach (var keptFrom in new[] { second[0], second[1] })
        {
            await PurgeAsync(before: keptFrom.Id!);
            await using var stream = await FollowAsync(replica, lastEventId: "0");
            var frames = await stream.ReadAsync(3);
            Assert.Equal(("gap", "0"), (frames[0].Event, frames[0].Json.GetProperty("after").GetString()));
            Assert.Equal([TurnOf(second), keptFrom], frames.Skip(1));
        }

        await host.JetStream.PurgeStreamAsync(Streams.Tokens.Name, new StreamPurgeRequest(), TestContext.Current.CancellationToken);
        await using var empty = await FollowAsync(replica, lastEventId: "0");
        var third = await host.Client.SayAsync(session, "once more");
        Assert.Equal([new SseFrame("gap", second[^1].Id, """{"after":"0"}"""), TurnOf(third), .. third], await empty.ReadAsync(third.Count + 2));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Gap_IsTold_WhenTheTurnUnderWayHasLostItsBeginning()
    {
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(host, SessionId.Parse(session), turn, new TurnAccepted(turn, 1, "m"));
        var kept = await Conversations.LogAsync(host, SessionId.Parse(session), turn, new TurnChunk("b", 0));
        await PurgeAsync(before: kept.ToString(CultureInfo.InvariantCulture));

        await using var stream = await FollowAsync(replica);

        Assert.Equal(["gap", "turn", "chunk"], (await stream.ReadAsync(3)).Select(frame => frame.Event));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NoGap_IsTold_WhenOnlyOtherSessionsHaveLostTheirEvents()
    {
        await host.Client.SayAsync(await host.Client.CreateSessionAsync(), "hello");
        await host.JetStream.PurgeStreamAsync(Streams.Tokens.Name, new StreamPurgeRequest(), TestContext.Current.CancellationToken);

        await using var fromZero = await FollowAsync(replica, lastEventId: "0");
        await using var fromNow = await FollowAsync(replica);
        var frames = await host.Client.SayAsync(session, "count");

        Assert.Equal([TurnOf(frames), .. frames], await fromZero.ReadAsync(frames.Count + 1));
        Assert.Equal([TurnOf(frames), .. frames], await fromNow.ReadAsync(frames.Count + 1));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_GoesOnFromTheEnd_WhenTheCursorIsPastIt()
    {
        await host.Client.SayAsync(session, "before");
        await using var stream = await FollowAsync(replica, after: $"{ulong.MaxValue}");

        var frames = await host.Client.SayAsync(session, "count");

        Assert.Equal([TurnOf(frames), .. frames], await stream.ReadAsync(frames.Count + 1));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Viewers_ShareOneFeed_AndItGoesWithTheLast()
    {
        var feeds = replica.Services.GetRequiredService<TurnFeeds>();
        var streams = await Task.WhenAll(Enumerable.Range(0, 10).Select(index => FollowAsync(replica, lastEventId: index % 2 == 0 ? null : "0")));
        await Eventually.TrueAsync(() => feeds.Count == 1);

        var frames = await host.Client.SayAsync(session, "count");
        foreach (var stream in streams)
        {
            Assert.Equal([TurnOf(frames), .. frames], await stream.ReadAsync(frames.Count + 1));
            await stream.DisposeAsync();
        }

        await Eventually.TrueAsync(() => feeds.Count == 0);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_HasHeartbeats_AndEndsQuietlyWhenTheProcessStops()
    {
        await using var stopping = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Turns:Stream:HeartbeatInterval", "00:00:01"));
        using var response = await GetAsync(stopping, null, null);
        await using var lines = SseClient.ReadLinesAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        do
        {
            Assert.True(await lines.MoveNextAsync());
        }
        while (lines.Current != ":");

        var stop = stopping.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>();
        stop.StopApplication();
        while (await lines.MoveNextAsync())
        {
        }

        Assert.DoesNotContain(stopping.Logs.Lines, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("s0-00000000000000000000000000000000", null, HttpStatusCode.NotFound)]
    [InlineData("s", null, HttpStatusCode.BadRequest)]
    [InlineData(null, "x", HttpStatusCode.BadRequest)]
    [InlineData(null, "-1", HttpStatusCode.BadRequest)]
    public async Task Stream_IsRefused_WhenTheSessionOrTheCursorIsNone(string? id, string? cursor, HttpStatusCode expected)
    {
        session = id ?? session;

        using var response = await GetAsync(replica, cursor, null);

        Assert.Equal((expected, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
    }

    private static SseFrame TurnOf(IEnumerable<SseFrame> frames) => new("turn", null, $$"""{"turn_id":"{{frames.First().Json.GetProperty("turn_id").GetString()}}"}""");

    private ValueTask<Kgents.ServiceDefaults.Nats.StoredEntry?> LastAsync() =>
        host.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken);

    private async Task<SseReader> FollowAsync(KgentsHost host, string? lastEventId = null, string? after = null)
    {
        var response = await GetAsync(host, lastEventId, after);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new SseReader(response);
    }

    private async Task<HttpResponseMessage> GetAsync(KgentsHost host, string? lastEventId, string? after)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/kgent/sessions/{session}/events{(after is null ? "" : $"?after={after}")}");
        request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        return await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private async Task PurgeAsync(string before) => await host.JetStream.PurgeStreamAsync(
        Streams.Tokens.Name, new StreamPurgeRequest { Seq = ulong.Parse(before, CultureInfo.InvariantCulture) }, TestContext.Current.CancellationToken);

    private async Task RepublishAsync(string? to)
    {
        var stream = await host.JetStream.GetStreamAsync(Streams.Tokens.Name, cancellationToken: TestContext.Current.CancellationToken);
        await stream.UpdateAsync(stream.Info.Config with { Republish = to is null ? null : new Republish { Src = Subjects.AllTokens, Dest = to } }, TestContext.Current.CancellationToken);
    }

    /// <summary>An open stream, read so far as a test needs it.</summary>
    private sealed class SseReader(HttpResponseMessage response) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<SseFrame> frames = SseClient.ReadAsync(response, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

        public async Task<IReadOnlyList<SseFrame>> ReadAsync(int count)
        {
            var read = new List<SseFrame>();
            while (read.Count < count && await frames.MoveNextAsync())
            {
                // A turn's name has no id of its own; the parser gives it that of the block before it, which was no event.
                read.Add(frames.Current.Event == "turn" ? frames.Current with { Id = null } : frames.Current);
            }

            return read;
        }

        public async ValueTask DisposeAsync()
        {
            await frames.DisposeAsync();
            response.Dispose();
        }
    }
}
