using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Api;
using Kgents.Tests.Hosting;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.Streaming;

/// <summary>What a worker says to the queue of a turn that it holds, or holds no more.</summary>
public sealed class HeldTurnTests : ApiTurnTest
{
    /// <summary>A message that came again past its last delivery would never come again, and its session would be busy for ever.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Queue_DeliversWithoutEnd_AndLetsAsManyBeUnderWayAsTheOptionSays()
    {
        await using var worker = await StartWorkerAsync(Nats.Url, ("Turns:AckWait", "00:00:04"), ("Turns:MaxAckPending", "300"));
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(await api.Client.CreateSessionAsync(), "count")).EndKind);

        var queue = (await ConsumerAsync()).Config;

        Assert.Equal((-1, 300, TimeSpan.FromSeconds(4)), (queue.MaxDeliver, queue.MaxAckPending, queue.AckWait));
        Assert.Equal((Subjects.AllUserMessages, ConsumerConfigAckPolicy.Explicit), (queue.FilterSubject, queue.AckPolicy));
    }

    /// <summary>For longer than the queue waits without a word of progress.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsDeliveredOnce_HoweverLongItTakes()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.DefaultScript = held;
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync(proxy.Url, ("Turns:AckWait", "00:00:10"));
        using var response = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count");

        // Four in each ack wait, which is so long that a busy machine is not late with all of them.
        await Eventually.TrueAsync(() => proxy.PublishedSubjects.Count(subject => subject.StartsWith("$JS.ACK.", StringComparison.Ordinal)) > 4);
        held.Release();
        await response.TurnAsync();

        Assert.Equal(1UL, (await ConsumerAsync()).Delivered.ConsumerSeq);
    }

    /// <summary>It has written one event, and another worker writes behind it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Worker_NeitherAcknowledgesNorReturnsItsMessage_WhenItHasLostTheFence()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.Enqueue(held);
        await using var worker = await StartWorkerAsync(Nats.Url, ("Turns:AckWait", "00:01:00"), ("Turns:Slots", "1"));
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var turn = (await api.AskedAsync(session))[0];

        await Conversations.LogAsync(api, SessionId.Parse(session), turn, new TurnRestarted(2));
        held.Release();

        // Its one slot is free again when it has done with the turn.
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(await api.Client.CreateSessionAsync(), "next")).EndKind);
        Assert.Contains(worker.Logs.Lines, line => line.Contains("has another writer", StringComparison.Ordinal));
        await Eventually.TrueAsync(async () => (await ConsumerAsync()).NumAckPending == 1);
        Assert.Equal((2UL, 0), ((await ConsumerAsync()).Delivered.ConsumerSeq, (await ConsumerAsync()).NumRedelivered));
        Assert.Equal([TurnEventCodec.Accepted, TurnEventCodec.Chunk, TurnEventCodec.Restarted], (await TurnRecords.ReadAsync(api, session, turn)).Kinds);
        Assert.Equal(2, Model.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsTakenOver_HoweverOld_OnceAWorkerHasBegunIt()
    {
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        await Conversations.LogAsync(api, session, turn, new TurnAccepted(turn, 1, "gone"));
        await Conversations.AskAsync(api, session, turn, 1);

        await using var worker = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, new MovableTime { Ahead = TimeSpan.FromHours(25) }, ("ConnectionStrings:llm", Model.ConnectionString));

        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(api, session, 1)).Status);
    }

    /// <summary>It finds its own answer stored, and goes on: neither is another worker at it, nor does the message have to come again.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Worker_EndsItsTurn_WhenTheAckOfItsAnswerIsLost()
    {
        Model.DefaultScript = ModelScript.Reply("one");
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync(proxy.Url, ("Turns:AckWait", "00:01:00"));
        proxy.DropRepliesOnce(subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));

        var turn = new Turn(await api.Client.SayAsync(await api.Client.CreateSessionAsync(), "count"));

        Assert.Equal((1, "complete", "one"), (proxy.DroppedReplies, turn.EndKind, turn.Text));
        Assert.Equal(1UL, (await ConsumerAsync()).Delivered.ConsumerSeq);
    }

    /// <summary>The sweeper, or a worker that took it for dead, was quicker: the turn is ended, which is all that its message was for.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Worker_AcknowledgesItsMessage_WhenAnotherHasWrittenTheEnd()
    {
        Model.DefaultScript = ModelScript.Reply("one");
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync(proxy.Url, ("Turns:AckWait", "00:01:00"));
        var session = await api.Client.CreateSessionAsync();

        // Accepted, a chunk, the commit; then the end.
        var written = 0;
        var hold = proxy.HoldOnce(subject => subject.StartsWith("kgents.tokens.", StringComparison.Ordinal) && ++written == 4);
        using var response = await api.Client.PostAsync(session, "count");
        await hold.Reached;
        var id = (await api.AskedAsync(session))[0];
        await Conversations.LogAsync(api, SessionId.Parse(session), id, new TurnCompleted("one", new TokenCounts(5, 6, TokenCounts.Reported), 1, id.AssistantMessageId, "another's"));
        hold.Release();

        Assert.Equal("complete", (await response.TurnAsync()).EndKind);
        await Eventually.TrueAsync(async () => await ConsumerAsync() is { NumAckPending: 0, Delivered.ConsumerSeq: 1 });
        Assert.Single((await TurnRecords.ReadAsync(api, session, id)).Kinds, TurnEventCodec.IsTerminal);
    }

    /// <summary>It has no room: what was committed is billed later, and nobody sees an end of the turn before.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Worker_WaitsWithTheEndOfItsTurn_WhileUsageIsRefused()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.DefaultScript = held;
        await using var worker = await StartWorkerAsync(Nats.Url, ("Turns:AckWait", "00:00:10"));
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await api.ChunkLoggedAsync();
        var usage = (await api.JetStream.GetStreamAsync(Streams.Usage.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.Config;
        await api.JetStream.UpdateStreamAsync(usage with { MaxBytes = 1 }, TestContext.Current.CancellationToken);

        held.Release();
        await Eventually.TrueAsync(() => worker.Logs.Lines.Any(line => line.Contains("is not stored yet", StringComparison.Ordinal)));
        var id = (await api.AskedAsync(session))[0];
        var before = await TurnRecords.ReadAsync(api, session, id);
        await api.JetStream.UpdateStreamAsync(usage, TestContext.Current.CancellationToken);

        Assert.Equal("complete", (await response.TurnAsync()).EndKind);
        Assert.Equal((TurnEventCodec.Committed, 0, 0), (before.Kinds[^1], before.Answers.Count, before.AllUsage.Count));
        Assert.Equal(2, (await TurnRecords.ReadAsync(api, session, id)).AllUsage.Count);
    }

    /// <summary>What a client that sees the end may rely on, and what a worker that dies between two leaves to the next: in this order each can be made up for.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsCommittedThenBilledThenAnsweredThenEndedThenAcknowledged()
    {
        Model.DefaultScript = ModelScript.Reply("one");
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync(proxy.Url, ("Turns:AckWait", "00:01:00"));
        var session = await api.Client.CreateSessionAsync();

        var turn = new Turn(await api.Client.SayAsync(session, "count"));
        await Eventually.TrueAsync(async () => (await ConsumerAsync()).NumAckPending == 0);

        var log = Subjects.Tokens(new TurnAddress(Conversations.Tenant, SessionId.Parse(session), turn.Id));
        var written = proxy.PublishedSubjects.Where(subject => subject.StartsWith("kgents.", StringComparison.Ordinal) && !subject.StartsWith("kgents.control.", StringComparison.Ordinal) || subject.StartsWith("$JS.ACK.", StringComparison.Ordinal))
            .Select(subject => subject == log ? "log" : subject.StartsWith("$JS.ACK.", StringComparison.Ordinal) ? "ack" : subject.Split('.')[1]);
        Assert.Equal(["log", "log", "log", "usage", "usage", "messages", "log", "ack"], written);
        Assert.Equal([TurnEventCodec.Accepted, TurnEventCodec.Chunk, TurnEventCodec.Committed, TurnEventCodec.Completed], (await TurnRecords.ReadAsync(api, session, turn.Id)).Kinds);
    }

    private Task<KgentsHost> StartWorkerAsync(string url, params (string, string?)[] settings) =>
        KgentsHost.StartAsync(url, Parts.Streaming, [("ConnectionStrings:llm", Model.ConnectionString), .. settings]);

    private async Task<ConsumerInfo> ConsumerAsync() => (await api.JetStream.GetConsumerAsync(Streams.Messages.Name, Consumers.TurnWorkers, TestContext.Current.CancellationToken)).Info;
}
