using System.Diagnostics;
using System.Text.Json;
using Kgents.Api.Agentese;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Agentese;

/// <summary><c>time</c>: what turns were, told again as they were, and what a session was at a moment.</summary>
public sealed class TimeTests : AgenteseTest
{
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(400);

    /// <summary>However slow the machine is: a replay that waits for the log is never early.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("1", 1)]
    [InlineData("4", 0.25)]
    [InlineData("max", 0)]
    public async Task Replay_IsTheTurnAsItWasSeen_AndNotEarlier(string speed, double share)
    {
        var (session, turn, live) = await SlowTurnAsync();
        var whole = await DurationAsync(session, turn);
        Assert.True(whole > Silence * 2);

        var started = Stopwatch.StartNew();
        using var response = await SendAsync("invoke", new { path = "time.trace.replay", kwargs = new { session_id = session, turn_id = turn.ToString(), speed } });
        var frames = await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);

        Assert.Equal(live.Select(frame => (frame.Event, frame.Id, frame.Data)), frames.Select(frame => (frame.Event, frame.Id, frame.Data)));
        Assert.True(started.Elapsed >= whole * share, $"{started.Elapsed} of {whole}");
    }

    /// <summary>By a clock that only a pause moves, so that it is known how long they are.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Replay_HasThePausesOfTheTurn_OrAQuarterOfThem_OrNone()
    {
        var (session, turn, _) = await SlowTurnAsync();
        var whole = await DurationAsync(session, turn);
        var (ended, _) = await Host.Services.GetRequiredService<TurnLookup>().FindAsync(Conversations.Tenant, SessionId.Parse(session), turn, TestContext.Current.CancellationToken);

        foreach (var (speed, pauses) in new[] { ("1", whole), ("4", whole / 4) })
        {
            var clock = new PauseClock();
            using var body = new RecordingBody();
            await NodeOf(clock).Replay(ended!, speed).FollowAsync(body.Viewer, CancellationToken.None, TestContext.Current.CancellationToken);

            Assert.Contains("event: complete", body.Text, StringComparison.Ordinal);

            // A timer's milliseconds are whole ones.
            Assert.InRange(clock.Passed, pauses, pauses + TimeSpan.FromMilliseconds(1));
        }

        Assert.IsType<TurnStream>(NodeOf(new PauseClock()).Replay(ended!, "max"));

        TraceNode NodeOf(TimeProvider clock) => ActivatorUtilities.CreateInstance<TraceNode>(Host.Services, clock);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replay_OfATurnThatGoesOn_OrIsAnothers_IsRefused()
    {
        using var stranger = await Host.NewClientAsync("stranger");
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        using var post = await Host.Client.PostAsync(session, "count");
        var turn = (await Host.AskedAsync(session))[0];

        Assert.Equal((409, "turn-in-progress"), Short(await RefusedAsync("time.trace.replay", Of(session, turn))));
        Assert.Equal((404, "session-not-found"), Short(await RefusedAsync("time.trace.replay", Of(session, turn), client: stranger)));
        Assert.Equal((404, "turn-not-found"), Short(await RefusedAsync("time.trace.witness", new { session_id = session, turn_id = "t-0123456789abcdef0123456789abcdef" })));
        using var whole = await SendAsync("invoke", new { path = "time.trace.replay", kwargs = Of(session, turn), stream = false });
        Assert.Equal((422, "invalid-request"), Short(await ProblemAsync(whole)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Witness_SaysWhenEachEventCame()
    {
        var (session, turn, _) = await SlowTurnAsync();

        var witness = await ShownAsync("time.trace.witness", Of(session, turn));

        Assert.Equal(["accepted", "chunk", "usage", "complete"], witness.GetProperty("events").EnumerateArray().Select(each => Text(each, "event")));
        Assert.InRange(witness.GetProperty("events").EnumerateArray().Last().GetProperty("offset_ms").GetDouble(), Silence.TotalMilliseconds * 2, double.MaxValue);
        Assert.Equal(("count", "one two three"), (Text(witness.GetProperty("turn"), "question"), Text(witness.GetProperty("turn"), "answer")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Query_FindsTurnsByTheirText_AndHowTheyEnded()
    {
        var session = await Host.Client.CreateSessionAsync();
        foreach (var (question, answer) in new[] { ("red apples", "sweet"), ("green pears", "Red when ripe"), ("plums", "blue") })
        {
            Model.Enqueue(ModelScript.Reply(answer));
            await Host.Client.SayAsync(session, question);
        }

        Model.Enqueue(new ModelScript(new ModelStep.Status(500)));
        await Host.Client.SayAsync(session, "quinces");

        var red = await ShownAsync("time.trace.query", new { session_id = session, contains = "RED" });
        Assert.Equal(["red apples", "green pears"], red.GetProperty("turns").EnumerateArray().Select(each => Text(each, "question")));
        Assert.Equal((2, "green pears"), (await ShownAsync("time.trace.query", new { session_id = session, contains = "red", limit = 1 })) is var one ? (one.GetProperty("matches").GetInt32(), Text(one.GetProperty("turns")[0], "question")) : default);
        Assert.Equal("quinces", Text((await ShownAsync("time.trace.query", new { session_id = session, status = "failed" })).GetProperty("turns")[0], "question"));
        Assert.Equal(0, (await ShownAsync("time.trace.query", new { session_id = session, contains = ".*" })).GetProperty("matches").GetInt32());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Diff_TellsWordByWord_WhatBecameOfAnAnswer()
    {
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(ModelScript.Reply("we ship it on Friday, all of it"));
        await Host.Client.SayAsync(session, "when?");
        Model.Enqueue(ModelScript.Reply("we ship half on Monday, all of it"));
        await Host.Client.SayAsync(session, "really?");
        var turns = (await ShownAsync("time.trace.query", new { session_id = session })).GetProperty("turns").EnumerateArray().Select(each => Text(each, "turn_id")).ToList();

        var diff = await ShownAsync("time.trace.diff", new { session_id = session, turn_id = turns[0], other_turn_id = turns[1] });
        var same = await ShownAsync("time.trace.diff", new { session_id = session, turn_id = turns[0], other_turn_id = turns[0], other_session_id = session });

        Assert.Equal(
            "same:we ship|removed: it|added: half|same: on|removed: Friday,|added: Monday,|same: all of it", string.Join('|', diff.GetProperty("answer").EnumerateArray().Select(piece => $"{Text(piece, "kind")}:{Text(piece, "text")}")));
        Assert.True(same.GetProperty("is_same").GetBoolean());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Past_IsTheSessionAsItWasThen()
    {
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(ModelScript.Reply("first"));
        await Host.Client.SayAsync(session, "one");
        // To the microsecond: the server counts in nanoseconds, of which one way to read a time drops what another rounds.
        var answered = (await Host.Reader.LastAsync(Streams.Messages.Name, Subjects.AssistantMessages(Conversations.Tenant, SessionId.Parse(session)), TestContext.Current.CancellationToken))!.Time;
        Model.Enqueue(ModelScript.Reply("second"));
        await Host.Client.SayAsync(session, "two");

        var then = await ShownAsync("time.past.project", new { session_id = session, at = answered.AddMicroseconds(1) });
        var between = await ShownAsync("time.past.project", new { session_id = session, at = answered.AddMicroseconds(-1) });
        var now = await ShownAsync("time.past.project", new { session_id = session, at = TimeProvider.System.GetUtcNow() });

        Assert.Equal((1, 2, "first"), (then.GetProperty("turn_count").GetInt32(), then.GetProperty("message_count").GetInt32(), Text(then.GetProperty("turns")[0], "answer")));
        Assert.Equal((1, 0, "open"), (between.GetProperty("turn_count").GetInt32(), between.GetProperty("message_count").GetInt32(), Text(between.GetProperty("turns")[0], "status")));
        Assert.Equal((2, 4), (now.GetProperty("turn_count").GetInt32(), now.GetProperty("message_count").GetInt32()));
        Assert.Equal((422, "invalid-request"), Short(await RefusedAsync("time.past.project", new { session_id = session, at = "2001-01-01T00:00:00Z" })));
    }

    /// <summary>Without an offset a time would be the host's, and without a time of day a date's last part looks like one.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("\"2999-01-01T00:00:00Z\"")]
    [InlineData("\"2026-01-01T00:00:00\"")]
    [InlineData("\"2026-01-01T00:00\"")]
    [InlineData("\"2026-01-01\"")]
    [InlineData("\"yesterday\"")]
    [InlineData("7")]
    public async Task Past_TakesATimeWithAnOffset_AndNothingElse(string at)
    {
        var refused = await RefusedAsync("time.past.project", new { session_id = "s0-0123456789abcdef0123456789abcdef", at = JsonElement.Parse(at) });

        Assert.Equal((422, "invalid-request"), Short(refused));
        Assert.StartsWith("kwargs.at: must be a time with an offset", Text(refused.Json, "detail"), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("2026-01-01T00:00:00Z")]
    [InlineData("2026-01-01T00:00:00.25Z")]
    [InlineData("2026-01-01T00:00+01:00")]
    [InlineData("2026-01-01T00:00:00-05:30")]
    public async Task Past_TakesEveryOffset(string at) =>
        Assert.Equal((404, "session-not-found"), Short(await RefusedAsync("time.past.project", new { session_id = "s0-0123456789abcdef0123456789abcdef", at })));

    private static object Of(string session, TurnId turn) => new { session_id = session, turn_id = turn.ToString() };

    private static (int, string) Short((int Status, string Name, JsonElement Json) refused) => (refused.Status, refused.Name);

    private async Task<TimeSpan> DurationAsync(string session, TurnId turn)
    {
        var log = (await TurnRecords.ReadAsync(Host, session, turn)).Log;
        return log[^1].Time - log[0].Time;
    }

    /// <summary>One that says something, waits, and says something, twice.</summary>
    private async Task<(string Session, TurnId Turn, IReadOnlyList<SseFrame> Live)> SlowTurnAsync()
    {
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(new ModelScript(new ModelStep.Token("one "), new ModelStep.Pause(Silence), new ModelStep.Token("two "), new ModelStep.Pause(Silence), new ModelStep.Token("three"), new ModelStep.Usage(10, 3)));
        var live = await Host.Client.SayAsync(session, "count");
        return (session, new Turn(live).Id, live);
    }

    /// <summary>Stands still but for pauses, which take no time.</summary>
    private sealed class PauseClock : TimeProvider
    {
        private long passed;

        public TimeSpan Passed => TimeSpan.FromTicks(Volatile.Read(ref passed));

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Volatile.Read(ref passed);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref passed, dueTime.Ticks);
            return base.CreateTimer(callback, state, TimeSpan.Zero, period);
        }
    }
}
