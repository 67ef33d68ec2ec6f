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
public sealed class SessionStreamTests : SessionStreamTest
{
    private async Task RepublishAsync(string? to)
    {
        var stream = await host.JetStream.GetStreamAsync(Streams.Tokens.Name, cancellationToken: TestContext.Current.CancellationToken);
        await stream.UpdateAsync(stream.Info.Config with { Republish = to is null ? null : new Republish { Src = Subjects.AllTokens, Dest = to } }, TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stream_HasTheTurnsOneAfterTheOther_WithTheEventsOfTheirOwnStreams()
    {
        Model.DefaultScript = ModelScript.Reply("one", " two", " three");
        await using var stream = await FollowAsync(replica);

        var first = await host.Client.SayAsync(session, "count");
        var second = await host.Client.SayAsync(session, "again");

        Assert.Equal([TurnOf(first), .. first, TurnOf(second), .. second], await stream.ReadAsync(first.Count + second.Count + 2));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replica_SendsTheRest_FromEachEventOn()
    {
        Model.DefaultScript = ModelScript.Reply("one", " two");
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
        Model.DefaultScript = held;
        using var post = await host.Client.PostAsync(session, "count");
        await host.ChunkLoggedAsync();

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
        await using var checking = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:TailCheckInterval", "00:00:00.200"));
        await using var stream = await FollowAsync(checking);
        await RepublishAsync(to: null);

        await Conversations.LogAsync(host, SessionId.Parse(session), turn, new TurnAccepted(turn, 1, "m"));

        Assert.Equal(["turn", "accepted"], (await stream.ReadAsync(2)).Select(frame => frame.Event));
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
        await using var stopping = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Turns:Stream:HeartbeatInterval", "00:00:01"));
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

    private ValueTask<Kgents.ServiceDefaults.Nats.StoredEntry?> LastAsync() =>
        host.Reader.LastAsync(Streams.Tokens.Name, Subjects.AllTokens, TestContext.Current.CancellationToken);
}
