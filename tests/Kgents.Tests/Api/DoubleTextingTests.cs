using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A message to a session that is answering another: refused, queued in order, or in place of what goes before it.</summary>
public sealed class DoubleTextingTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost first = null!;
    private KgentsHost second = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        first = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Messages:MaxQueued", "5"));
        second = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Messages:MaxQueued", "5"));
    }

    public async ValueTask DisposeAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QueuedMessages_AreAnsweredOneByOneInTheOrderInWhichTheyWereStored_WhenManyPostAtOnce()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => PostAsync(number % 2 == 0 ? first : second, session, $"message {number}", "enqueue")));
        var accepted = responses.Where(response => response.StatusCode == HttpStatusCode.OK).ToList();
        var refused = responses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.Equal((6, 44), (accepted.Count, refused.Count));
        Assert.Equal("urn:kgents:problem:queue-full", (await refused[0].JsonAsync()).GetProperty("type").GetString());
        Assert.Single(model.Requests);

        held.Release();
        var turns = await Task.WhenAll(accepted.Select(response => response.TurnAsync()));

        Assert.All(turns, turn => Assert.Equal("complete", turn.EndKind));
        var asked = await first.AskedAsync(session);
        Assert.Equal(asked, (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Turn));
        Assert.Equivalent(asked, turns.Select(turn => turn.Id), strict: true);
        Assert.Equal([1, 2, 3, 4, 5, 6], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.N));

        // Each turn saw the answers before it, and no message that still waited.
        Assert.Equal(Enumerable.Range(0, 6).Select(turn => 1 + 2 * turn), model.Requests.Select(request => request.Messages.Count(message => message.Role is not "system")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheTurnUnderWayAndThoseThatWait_AndIsAnsweredNext()
    {
        model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(second, session, "first", "reject");
        var request = await model.NextRequestAsync(TestContext.Current.CancellationToken);
        using var waiting = await PostAsync(second, session, "second", "enqueue");

        var interrupting = await (await PostAsync(second, session, "third", "interrupt")).TurnAsync();

        await request.ClientLeft;
        Assert.Equal(("complete", "Hello from the script."), (interrupting.EndKind, interrupting.Text));
        Assert.Equal(("cancelled", "one"), await EndAsync(running));
        Assert.Equal(("cancelled", ""), await EndAsync(waiting));
        Assert.Equal([TurnStatus.Cancelled, TurnStatus.Cancelled, TurnStatus.Completed], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Status));
        Assert.Equal(2, model.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessages_LeaveTheLastOne_WhenManyPostAtOnce()
    {
        // Whoever is not interrupted is not answered either, until the test says so.
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.DefaultScript = held;
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
        first = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Turns:Slots", "1"));
        model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(second, session, "first", "reject");
        await model.NextRequestAsync(TestContext.Current.CancellationToken);

        var interrupting = await (await PostAsync(second, session, "second", "interrupt")).TurnAsync();

        Assert.Equal("complete", interrupting.EndKind);
        Assert.Equal(("cancelled", "one"), await EndAsync(running));
    }

    /// <summary>In the other order the second would begin, and cost, as soon as the first is cancelled.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheLatestTurnFirst()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var slow = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(first, session, "first", "reject");
        await model.NextRequestAsync(TestContext.Current.CancellationToken);
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

    [Fact(Timeout = Limits.Test)]
    public async Task InterruptingMessage_CancelsTheTurnUnderWay_WhenWhoAcceptedItDiedBeforeItCould()
    {
        model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Stall()));
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(first, session, "first", "reject");
        await model.NextRequestAsync(TestContext.Current.CancellationToken);

        // What is in the store when the process ends right after the publish.
        var message = new UserMessage(TurnId.New(TimeProvider.System), 2, "second", DialogueModes.Reflect, TimeProvider.System.GetUtcNow(), Interrupts: true);
        await Conversations.StoreAsync(first, Subjects.UserMessages(Conversations.Tenant, SessionId.Parse(session)), JsonSerializer.SerializeToUtf8Bytes(message, WireJson.Default.UserMessage));

        Assert.Equal(("cancelled", "one"), await EndAsync(running));
        Assert.Equal(TurnStatus.Completed, (await Conversations.AnswerAsync(first, SessionId.Parse(session), 2)).Status);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QueuedMessage_WithAKeyIsStoredOnce_HoweverOftenItIsSentWhileOthersPost()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();
        using var running = await PostAsync(first, session, "first", "reject");

        var same = Enumerable.Range(0, 20).Select(number => (number % 2 == 0 ? first : second).Client.PostAsync(session, "key-1", new { message = "keyed", on_busy = "enqueue" }));
        var others = Enumerable.Range(0, 4).Select(number => PostAsync(number % 2 == 0 ? first : second, session, $"other {number}", "enqueue"));
        var responses = await Task.WhenAll(same.Concat(others));
        held.Release();
        var turns = await Task.WhenAll(responses.Select(response => response.TurnAsync()));

        Assert.Single(turns.Take(20).Select(turn => turn.Id).Distinct());
        Assert.All(turns, turn => Assert.Equal("complete", turn.EndKind));
        Assert.Equal(6, (await first.AskedAsync(session)).Count);
        Assert.Equal([1, 2, 3, 4, 5, 6], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.N));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QueuedMessage_KeepsItsTurnAndGetsAnotherPlace_WhenItsEntryHasOneThatIsTaken()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();
        var request = new { message = "keyed", on_busy = "enqueue" };

        // A request decided on the first place and died before it published; then another message took that place.
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var dying = await KgentsHost.StartAsync(proxy.Url, Parts.Api, ("Messages:AcceptTimeout", "00:00:01"));
        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        using var lost = await dying.Client.PostAsync(session, "key-1", request);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, 1), (lost.StatusCode, await first.EntriesAsync()));
        using var running = await PostAsync(first, session, "first", "reject");

        using var retried = await second.Client.PostAsync(session, "key-1", request);
        held.Release();

        Assert.True(retried.IsReplayed());
        var turn = await retried.TurnAsync();
        Assert.Equal("complete", turn.EndKind);
        Assert.Equal(turn.Id, (await first.AskedAsync(session))[1]);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Message_GoesBehindOneThatNobodyCanRead_WithTheNextNumber()
    {
        await using var idle = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        var session = await idle.Client.CreateSessionAsync();
        await Conversations.StoreAsync(first, Subjects.UserMessages(Conversations.Tenant, SessionId.Parse(session)), "not json"u8.ToArray());

        var turn = await (await PostAsync(idle, session, "hello", "enqueue")).TurnAsync();

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal([TurnStatus.Failed, TurnStatus.Completed], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Status));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("queue")]
    [InlineData("Enqueue")]
    [InlineData("")]
    public async Task UnknownPolicy_IsRefusedAndNothingIsStored(string policy)
    {
        var session = await first.Client.CreateSessionAsync();

        using var response = await PostAsync(first, session, "hello", policy);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Empty(await first.Client.MessagesAsync(session));
    }

    private static Task<HttpResponseMessage> PostAsync(KgentsHost host, string session, string message, string policy) => host.Client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message, on_busy = policy }) },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);

    private static async Task<(string Kind, string Text)> EndAsync(HttpResponseMessage response)
    {
        var turn = await response.TurnAsync();
        return (turn.EndKind, turn.Text);
    }
}
