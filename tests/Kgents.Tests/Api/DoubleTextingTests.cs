using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A message to a session that is answering another: refused, or queued in order.</summary>
public sealed class DoubleTextingTests : DoubleTextingTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task QueuedMessages_AreAnsweredOneByOneInTheOrderInWhichTheyWereStored_WhenManyPostAtOnce()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => PostAsync(number % 2 == 0 ? first : second, session, $"message {number}", "enqueue")));
        var accepted = responses.Where(response => response.StatusCode == HttpStatusCode.OK).ToList();
        var refused = responses.Where(response => response.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.Equal((6, 44), (accepted.Count, refused.Count));
        Assert.Equal("urn:kgents:problem:queue-full", (await refused[0].JsonAsync()).GetProperty("type").GetString());
        Assert.Single(Model.Requests);

        held.Release();
        var turns = await Task.WhenAll(accepted.Select(response => response.TurnAsync()));

        Assert.All(turns, turn => Assert.Equal("complete", turn.EndKind));
        var asked = await first.AskedAsync(session);
        Assert.Equal(asked, (await Conversations.AnswersAsync(first, session)).Select(answer => answer.Turn));
        Assert.Equivalent(asked, turns.Select(turn => turn.Id), strict: true);
        Assert.Equal([1, 2, 3, 4, 5, 6], (await Conversations.AnswersAsync(first, session)).Select(answer => answer.N));

        // Each turn saw the answers before it, and no message that still waited.
        Assert.Equal(Enumerable.Range(0, 6).Select(turn => 1 + 2 * turn), Model.Requests.Select(request => request.Messages.Count(message => message.Role is not "system")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QueuedMessage_WithAKeyIsStoredOnce_HoweverOftenItIsSentWhileOthersPost()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        Model.Enqueue(held);
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
        Model.Enqueue(held);
        var session = await first.Client.CreateSessionAsync();
        var request = new { message = "keyed", on_busy = "enqueue" };

        // A request decided on the first place and died before it published; then another message took that place.
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
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
        await using var idle = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
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
}
