using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming;

public sealed class TurnQueueTests : ApiTurnTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task History_IsNotRunAgain_WhenTheConsumerWasDeleted()
    {
        var session = await api.Client.CreateSessionAsync();
        await using (await StartWorkerAsync())
        {
            await api.Client.SayAsync(session, "one");
            await api.Client.SayAsync(session, "two");
        }

        await api.JetStream.DeleteConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken);
        await using var worker = await StartWorkerAsync();
        await Eventually.TrueAsync(async () => await ConsumerInfoAsync() is { NumPending: 0, NumAckPending: 0, Delivered.ConsumerSeq: 2 });

        Assert.Equal(2, Model.Requests.Count);
        Assert.Equal(4, (await api.Client.MessagesAsync(session)).Count);
        Assert.Contains(worker.Logs.Lines, line => line.Contains("turn-workers was missing", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turns_RunInOrder_WhenTheSecondIsDeliveredFirst()
    {
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());
        var (first, second) = (TurnId.New(TimeProvider.System), TurnId.New(TimeProvider.System));
        await Conversations.AskAsync(api, session, second, 2, "second");
        await using var worker = await StartWorkerAsync();
        await Eventually.TrueAsync(async () => await ConsumerInfoAsync() is { NumRedelivered: > 0 });
        await Conversations.AskAsync(api, session, first, 1, "first");

        await Conversations.AnswerAsync(api, session, 2);

        Assert.Equal(["first", "second"], Model.Requests.Select(request => request.Messages[^1].Content));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_IsADeadLetterAndItsSessionGoesOn_WhenItCannotBeRead()
    {
        var session = await api.Client.CreateSessionAsync();
        var id = SessionId.Parse(session);
        await using var worker = await StartWorkerAsync();
        await api.Client.SayAsync(session, "before");

        var sequence = await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, id), "{ not json"u8.ToArray());
        var answer = await Conversations.AnswerAsync(api, id, 2);

        Assert.Equal((TurnStatus.Failed, TurnErrorCodes.UnreadableMessage, sequence), (answer.Status, answer.ErrorCode, answer.UserSequence));
        var letter = await api.Reader.LastAsync(Streams.DeadLetters.Name, Subjects.DeadLetters("messages", Conversations.Tenant), TestContext.Current.CancellationToken);
        Assert.Contains($"\"sequence\":{sequence}", System.Text.Encoding.UTF8.GetString(letter!.Data.Span), StringComparison.Ordinal);
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(session, "after")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsExpired_WhenNobodyStartedItForTooLong()
    {
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());
        await Conversations.AskAsync(api, session, TurnId.New(TimeProvider.System), 1);

        await using var worker = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, new ShiftedTime { Ahead = TimeSpan.FromHours(25) }, ("ConnectionStrings:llm", Model.ConnectionString));
        var answer = await Conversations.AnswerAsync(api, session, 1);

        Assert.Equal(TurnErrorCodes.Expired, answer.ErrorCode);
        Assert.Empty(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Poster_IsToldTheEnd_WhenItsMessageCannotBeReadButNamesItsTurn()
    {
        var id = SessionId.Parse(await api.Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        await using var worker = await StartWorkerAsync();

        await Conversations.StoreAsync(api, Subjects.UserMessages(Conversations.Tenant, id), System.Text.Encoding.UTF8.GetBytes($$"""{"turn":"{{turn}}","n":1,"text":"hi","mode":"of a later version"}"""));
        await Conversations.AnswerAsync(api, id, 1);

        await Eventually.TrueAsync(async () => (await TurnRecords.ReadAsync(api, id.ToString(), turn)).Kinds is [.., TurnEventCodec.Failed]);
    }

    /// <summary>And the next worker begins at once: with this ack wait the test would not end in time.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task HandOver_IsNoAttempt_WhenWorkersAreToldToStop()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall());
        Model.DefaultScript = held;
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        for (var hands = 0; hands < 4; hands++)
        {
            var worker = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"), ("Turns:MaxAttempts", "1"), ("Turns:AckWait", "00:01:00"));
            await Model.NextRequestAsync(TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(async () => await api.ChunksAsync() > hands);
            await worker.DisposeAsync();
        }

        Model.DefaultScript = ModelScript.Reply("whole");
        await using var last = await StartWorkerAsync();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("whole", "complete"), (turn.Text, turn.EndKind));
        Assert.Equal([2, 3, 4, 5], turn.Frames.Where(frame => frame.Event == "restarted").Select(frame => frame.Json.GetProperty("attempt").GetInt32()));
        Assert.Single((await TurnRecords.ReadAsync(api, session, turn.Id)).BillableUsage);
    }

    /// <summary>It is told to stop while it does not know whether its commit is stored.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Commit_HasOnlyTheEndBehindIt_WhenItsWorkerIsToldToStopBeforeItKnowsOfIt()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        Model.DefaultScript = ModelScript.Reply("whole");
        var session = await api.Client.CreateSessionAsync();
        var worker = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:DrainTimeout", "00:00:00"));
        var appends = 0;
        proxy.DropRepliesOnce(subject => subject.StartsWith("kgents.tokens.", StringComparison.Ordinal) && Interlocked.Increment(ref appends) == 3);
        using var response = await api.Client.PostAsync(session, "hello");
        await Eventually.TrueAsync(() => proxy.DroppedReplies == 1);

        await worker.DisposeAsync();
        await using var last = await StartWorkerAsync();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["accepted", "chunk", "commit", "complete"], (await TurnRecords.ReadAsync(api, session, turn.Id)).Kinds);
        Assert.Single(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Worker_PullsAgain_WhenTheConsumerIsDeletedUnderIt()
    {
        // With its one slot busy the worker asks for nothing while the consumer goes, so nothing tells it.
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.Enqueue(held);
        await using var worker = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:Slots", "1"));
        using var response = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "before");
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);

        await api.JetStream.DeleteConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken);
        held.Release();

        Assert.Equal("complete", new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).EndKind);
        Assert.Equal("complete", new Turn(await api.Client.SayAsync(await api.Client.CreateSessionAsync(), "after")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Worker_FinishesItsTurn_WhenItIsToldToStop()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        var worker = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);

        var stopping = worker.DisposeAsync();
        held.Release();
        await stopping;

        Assert.Equal("one two", (await Conversations.AnswerAsync(api, SessionId.Parse(session), 1)).Text);
    }

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));

    private async Task<NATS.Client.JetStream.Models.ConsumerInfo> ConsumerInfoAsync()
    {
        try
        {
            return (await api.JetStream.GetConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken)).Info;
        }
        catch (NATS.Client.JetStream.NatsJSApiException)
        {
            return new NATS.Client.JetStream.Models.ConsumerInfo { StreamName = "", Name = "" };
        }
    }
}
