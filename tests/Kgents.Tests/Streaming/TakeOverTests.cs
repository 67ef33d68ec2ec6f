using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using NATS.Client.Core;

namespace Kgents.Tests.Streaming;

/// <summary>A message that is delivered again does not say that its worker is dead, and one that nobody answers for is taken over.</summary>
public sealed class TakeOverTests : TurnTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotRestarted_WhenItsMessageComesAgainWhileItsWorkerLives()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        await using var first = await StartWorkerAsync();
        await using var second = await StartWorkerAsync();
        var session = await api.Client.CreateSessionAsync();
        using var response = await api.Client.PostAsync(session, "count");
        await Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await api.ChunkLoggedAsync();

        await using var questions = await api.JetStream.Connection.SubscribeCoreAsync(
            "kgents.control.>", serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);

        await DeliverAgainAsync(api);
        await questions.Msgs.ReadAsync(TestContext.Current.CancellationToken);
        await api.JetStream.Connection.PingAsync(TestContext.Current.CancellationToken);
        held.Release();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal("one two", turn.Text);
        Assert.DoesNotContain(turn.Frames, frame => frame.Event == "restarted");
        Assert.Single(Model.Requests);

        // It was put aside and not put back, which would only bring it again, and again.
        Assert.Equal(2UL, (await api.JetStream.GetConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken)).Info.Delivered.ConsumerSeq);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotRestarted_WhenTheFirstAnswerOfItsWorkerIsLost()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        Model.DefaultScript = held;
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        await using var busy = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:AckWait", "00:00:30"), ("Turns:Slots", "1"));
        using var response = await api.Client.PostAsync(await api.Client.CreateSessionAsync(), "count");
        await api.ChunkLoggedAsync();
        await using var asking = await KgentsHost.StartAsync(proxy.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:AckWait", "00:00:30"));
        proxy.DropRepliesOnce(IsQuestion);

        await DeliverAgainAsync(api);
        await Eventually.TrueAsync(() => proxy.PublishedSubjects.Count(IsQuestion) >= 2);
        held.Release();
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal((1, "one two"), (proxy.DroppedReplies, turn.Text));
        Assert.DoesNotContain(turn.Frames, frame => frame.Event == "restarted");
        Assert.Single(Model.Requests);

        static bool IsQuestion(string subject) => subject.StartsWith("kgents.control.", StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.turn.takeovers")]
    public async Task Turn_IsRestarted_WhenItsWorkerIsGone()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var (session, turn) = await HalfDoneAsync(api, new TurnAccepted(TurnId.New(TimeProvider.System), 1, "gone"), new TurnChunk("lost", 0));

        await using var worker = await StartWorkerAsync();
        await Conversations.AnswerAsync(api, session, 1);

        var records = await TurnRecords.ReadAsync(api, session.ToString(), turn);
        Assert.Equal(2, Assert.Single(records.Events.OfType<TurnRestarted>()).Attempt);
        Assert.DoesNotContain("lost", records.Answers[0].Text, StringComparison.Ordinal);
        Assert.Equal(records.Answers[0].Text, records.ChunkText);
        Assert.Single(records.BillableUsage);
        Assert.Equal("interrupted", Assert.Single(records.Usage, usage => usage.GetProperty("type").GetString() == UsageEvent.NonBillableType).GetProperty("data").GetProperty("outcome").GetString());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_EndsInterrupted_AfterTheLastAttempt()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var (session, turn) = await HalfDoneAsync(api, new TurnAccepted(TurnId.New(TimeProvider.System), 1, "gone"), new TurnRestarted(2), new TurnRestarted(3), new TurnChunk("so far", 0));

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);

        Assert.Equal((TurnStatus.Failed, TurnErrorCodes.Interrupted, "so far"), (answer.Status, answer.ErrorCode, answer.Text));
        Assert.Empty(Model.Requests);
        await Eventually.TrueAsync(async () => (await TurnRecords.ReadAsync(api, session.ToString(), turn)).Kinds[^1] == TurnEventCodec.Failed);
        var records = await TurnRecords.ReadAsync(api, session.ToString(), turn);
        Assert.Empty(records.BillableUsage);
        Assert.Equal(3, records.Usage.Count);
        var ofTurn = Assert.Single(records.TurnUsage).GetProperty("data");
        Assert.Equal(("failed", "3", "3"), (ofTurn.GetProperty("outcome").GetString(), ofTurn.GetProperty("attempts").GetString(), ofTurn.GetProperty("calls").GetString()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsOnlyFinished_WhenItWasCommitted()
    {
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        var committed = new TurnCommitted(TurnStatus.Completed, null, "a-1", Hash("whole"), 1, 1, "gone", new TokenCounts(5, 6, TokenCounts.Reported), TimeProvider.System.GetUtcNow(), []);
        var (session, turn) = await HalfDoneAsync(api, new TurnAccepted(TurnId.New(TimeProvider.System), 1, "gone"), new TurnChunk("whole", 0), committed);

        await using var worker = await StartWorkerAsync();
        var answer = await Conversations.AnswerAsync(api, session, 1);

        Assert.Equal(("whole", 11L), (answer.Text, answer.Tokens.Total));
        Assert.Empty(Model.Requests);
        await Eventually.TrueAsync(async () => (await TurnRecords.ReadAsync(api, session.ToString(), turn)).Kinds[^1] == TurnEventCodec.Completed);
    }

    private Task<KgentsHost> StartWorkerAsync() => KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:AckWait", "00:00:30"));

    /// <summary>A turn that is in the queue and whose log another worker has begun.</summary>
    private static async Task<(SessionId Session, TurnId Turn)> HalfDoneAsync(KgentsHost api, params TurnEvent[] log)
    {
        // The streams of the worker must be there to write into.
        var session = SessionId.Parse(await api.Client.CreateSessionAsync());
        var turn = TurnId.New(TimeProvider.System);
        foreach (var turnEvent in log)
        {
            await Conversations.LogAsync(api, session, turn, turnEvent);
        }

        await Conversations.AskAsync(api, session, turn, 1);
        return (session, turn);
    }

    /// <summary>What the server does by itself when the leader of a consumer dies: it delivers again, to whoever asks.</summary>
    private static async Task DeliverAgainAsync(KgentsHost api)
    {
        var user = await api.Reader.LastAsync(Streams.Messages.Name, Subjects.AllUserMessages, TestContext.Current.CancellationToken);
        await api.JetStream.Connection.PublishAsync(
            $"$JS.ACK.{Streams.Messages.Name}.turn-workers.1.{user!.Sequence}.1.0.0", "-NAK"u8.ToArray(), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static string Hash(string text) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
}
