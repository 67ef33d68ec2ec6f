using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A message that is posted in place of what goes before it.</summary>
public sealed class InterruptTests : DoubleTextingTest
{
    private static async Task<(string Kind, string Text)> EndAsync(HttpResponseMessage response)
    {
        var turn = await response.TurnAsync();
        return (turn.EndKind, turn.Text);
    }

    /// <summary>The model has said something, and that is in the log.</summary>
    private Task SaidAsync() => second.ChunkLoggedAsync();

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheTurnUnderWayAndThoseThatWait_AndIsAnsweredNext()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(second, session, "first", "reject");
        var request = await Model.NextRequestAsync(TestContext.Current.CancellationToken);
        await SaidAsync();
        using var waiting = await PostAsync(second, session, "second", "enqueue");

        var interrupting = await (await PostAsync(second, session, "third", "interrupt")).TurnAsync();

        await request.ClientLeft;
        Assert.Equal(("complete", "Hello from the script."), (interrupting.EndKind, interrupting.Text));
        Assert.Equal(("cancelled", "one"), await EndAsync(running));
        Assert.Equal(("cancelled", ""), await EndAsync(waiting));
        Assert.Equal([TurnStatus.Cancelled, TurnStatus.Cancelled, TurnStatus.Completed], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Status));
        Assert.Equal(2, Model.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessages_LeaveTheLastOne_WhenManyPostAtOnce()
    {
        // Whoever is not interrupted is not answered either, until the test says so.
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.DefaultScript = held;
        var session = await first.Client.CreateSessionAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => PostAsync(number % 2 == 0 ? first : second, session, $"message {number}", "interrupt")));
        var accepted = responses.Where(response => response.StatusCode == HttpStatusCode.OK).ToList();
        Assert.All(responses.Except(accepted), response => Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode));
        Assert.NotEmpty(accepted);

        var asked = await first.AskedAsync(session);
        await Eventually.TrueAsync(async () => (await Conversations.AnswersAsync(first, session)).Count == asked.Count - 1);
        held.Release();
        var turns = await Task.WhenAll(accepted.Select(response => response.TurnAsync()));

        Assert.Equivalent(asked, turns.Select(turn => turn.Id), strict: true);
        Assert.Equal(("complete", asked[^1]), Assert.Single(turns.Select(turn => (turn.EndKind, turn.Id)), end => end.EndKind != "cancelled"));
        Assert.Equal(asked, (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Turn));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheTurnUnderWay_WhenNoWorkerIsFreeToTakeIt()
    {
        await first.DisposeAsync();
        first = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Turns:Slots", "1"));
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(second, session, "first", "reject");
        await SaidAsync();

        var interrupting = await (await PostAsync(second, session, "second", "interrupt")).TurnAsync();

        Assert.Equal("complete", interrupting.EndKind);
        Assert.Equal(("cancelled", "one"), await EndAsync(running));
    }

    /// <summary>In the other order the second would begin, and cost, as soon as the first is cancelled.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheLatestTurnFirst()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(first, session, "first", "reject");
        await SaidAsync();
        using var waiting = await PostAsync(first, session, "second", "enqueue");
        var latest = new TurnAddress(Conversations.Tenant, SessionId.Parse(session), (await first.AskedAsync(session))[^1]);
        var marks = new List<string>();
        var hold = proxy.HoldOnce(subject =>
        {
            if (!subject.StartsWith("$KV.kgents_cancels.", StringComparison.Ordinal))
            {
                return false;
            }

            marks.Add(subject);
            return true;
        });

        var interrupting = PostAsync(slow, session, "third", "interrupt");
        await hold.Reached;

        Assert.Equal([Subjects.CancelMark(latest)], marks);
        hold.Release();
        Assert.Equal("complete", (await (await interrupting).TurnAsync()).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_IsOnlyAMessage_InASessionThatIsIdle()
    {
        var session = await first.Client.CreateSessionAsync();

        var turn = await (await PostAsync(first, session, "hello", "interrupt")).TurnAsync();

        Assert.Equal("complete", turn.EndKind);
    }

    /// <summary>Before it set the mark of the turn, or before it told the worker of it.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task InterruptingMessage_CancelsTheTurnUnderWay_WhenWhoAcceptedItDiedBeforeItCould(bool isMarked)
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(first, session, "first", "reject");
        await SaidAsync();

        if (isMarked)
        {
            var turn = new TurnAddress(Conversations.Tenant, SessionId.Parse(session), (await first.AskedAsync(session))[0]);
            await Conversations.StoreAsync(first, Subjects.CancelMark(turn), "{}"u8.ToArray());
        }

        // What is in the store when the process ends right after the publish.
        var message = new UserMessage(TurnId.New(TimeProvider.System), 2, "second", DialogueModes.Reflect, TimeProvider.System.GetUtcNow(), Interrupts: true);
        await Conversations.StoreAsync(first, Subjects.UserMessages(Conversations.Tenant, SessionId.Parse(session)), JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.UserMessage));

        Assert.Equal(("cancelled", "one"), await EndAsync(running));
        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(first, SessionId.Parse(session), 2)).Status);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheLatestTurnFirst_AlsoWhenOnlyAWorkerKnowsOfIt()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await first.DisposeAsync();
        first = await KgentsHost.StartAsync(proxy.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString));
        var marks = new ConcurrentQueue<string>();
        var hold = proxy.HoldOnce(subject =>
        {
            var isMark = subject.StartsWith("$KV.kgents_cancels.", StringComparison.Ordinal);
            if (isMark)
            {
                marks.Enqueue(subject);
            }

            return isMark;
        });
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await second.Client.CreateSessionAsync();
        using var running = await PostAsync(second, session, "first", "reject");
        await SaidAsync();
        using var waiting = await PostAsync(second, session, "second", "enqueue");
        var latest = new TurnAddress(Conversations.Tenant, SessionId.Parse(session), (await second.AskedAsync(session))[^1]);

        var message = new UserMessage(TurnId.New(TimeProvider.System), 3, "third", DialogueModes.Reflect, TimeProvider.System.GetUtcNow(), Interrupts: true);
        await Conversations.StoreAsync(second, Subjects.UserMessages(Conversations.Tenant, SessionId.Parse(session)), JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.UserMessage));
        await hold.Reached;

        Assert.Equal([Subjects.CancelMark(latest)], marks);
        hold.Release();
        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(second, SessionId.Parse(session), 3)).Status);
    }
}
