using System.Globalization;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Api;

/// <summary>What the log has lost of a session is told to who follows it, once, and nothing else is taken for lost.</summary>
public sealed class SessionStreamGapTests : SessionStreamTest
{
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

    private async Task PurgeAsync(string before) => await host.JetStream.PurgeStreamAsync(
        Streams.Tokens.Name, new StreamPurgeRequest { Seq = ulong.Parse(before, CultureInfo.InvariantCulture) }, TestContext.Current.CancellationToken);
}
