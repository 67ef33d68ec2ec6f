using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary>The paths of <c>self</c>: the soul, a session, what was used and what may be done.</summary>
public sealed class SelfTests : AgenteseTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Soul_IsAskedInANewSession_AsATurnThatIsMetered()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("Plain words."), new ModelStep.Usage(40, 3)));

        var answer = await InvokeAsync("self.soul.challenge[phase=PLAN]@span=a1", new { input = "We rewrite it all." });

        Assert.Equal(("self.soul.challenge", "admin", "Plain words.", 43, "a1"), (Text(answer, "path"), Text(answer, "archetype"), Text(answer.GetProperty("result"), "text"), answer.GetProperty("tokens_used").GetInt64(), Text(answer, "span")));
        var request = Assert.Single(Model.Requests);
        Assert.Equal("We rewrite it all.\n\nThe phase of the work is PLAN.", request.Messages[^1].Content);
        Assert.Contains("Mode: challenge.", request.Messages[0].Content, StringComparison.Ordinal);
        var records = await TurnRecords.ReadAsync(Host, Text(answer, "session_id"), TurnId.Parse(Text(answer, "turn_id")));
        Assert.Equal("43", Assert.Single(records.BillableUsage).GetProperty("data").GetProperty("total_tokens").GetString());
        var session = await ShownAsync("self.session.manifest", new { session_id = Text(answer, "session_id") });
        Assert.Equal(("agentese", 2), (Text(session, "agent_type"), session.GetProperty("message_count").GetInt64()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Soul_GoesOnInASession_AsAStreamLikeAnyTurn()
    {
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(ModelScript.Reply("first"));
        await Host.Client.SayAsync(session, "one");
        Model.Enqueue(ModelScript.Reply("second"));

        using var response = await SendAsync("invoke", new { path = "self.soul.explore", kwargs = new { input = "two", session_id = session }, stream = true });
        var turn = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(("complete", "second"), (turn.EndKind, turn.Text));
        Assert.Equal(["one", "first", "two"], Model.Requests[1].Messages.Skip(1).Select(message => message.Content));
        var witness = (await ShownAsync("self.soul.witness", new { session_id = session })).GetProperty("turns").EnumerateArray().ToList();
        Assert.Equal([("one", "first"), ("two", "second")], witness.Select(each => (Text(each, "question"), Text(each, "answer"))));
        Assert.Equal(("self.soul.explore", "admin"), (Text(witness[1], "path"), Text(witness[1], "archetype")));
        Assert.Equal("second", Text((await ShownAsync("self.soul.witness", new { session_id = session, limit = 1 })).GetProperty("turns")[0], "answer"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Soul_IsAskedOnce_HoweverOftenThePathIsSentUnderOneKey()
    {
        Model.Enqueue(ModelScript.Reply("once"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => InvokeAsync("self.soul.reflect", new { input = "why?" }, key: "k-1")));
        using var other = await SendAsync("invoke", new { path = "self.soul.reflect", kwargs = new { input = "why not?" } }, key: "k-1");

        Assert.Single(Model.Requests);
        Assert.All(answers, answer => Assert.Equal(answers[0].GetRawText(), answer.GetRawText()));
        Assert.Equal((409, "idempotency-key-reused"), (await ProblemAsync(other)) is var problem ? (problem.Status, problem.Name) : default);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Soul_ThatFails_IsAProblemOfItsTurn_AndBillsNothing()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Status(500));

        var (status, name, problem) = await RefusedAsync("self.soul.reflect", new { input = "why?" });

        Assert.Equal((502, "model-unavailable"), (status, name));
        Assert.NotEmpty(Text(problem, "turn_id"));
        Assert.Empty(await BillableAsync());
        Model.DefaultScript = ModelScript.Reply("because");
        await InvokeAsync("self.soul.reflect", new { input = "why?" });
        Assert.Single(await BillableAsync());
    }

    /// <summary>What is billed of all turns of the tenant.</summary>
    private async Task<IReadOnlyList<JsonElement>> BillableAsync()
    {
        var (_, last) = await Host.Reader.RangeAsync(Streams.Usage.Name, TestContext.Current.CancellationToken);
        return await Host.Reader.ReadAsync(Streams.Usage.Name, "kgents.usage.*.default.turns", 1, last, TestContext.Current.CancellationToken)
            .Select(entry => JsonElement.Parse(entry.Data.Span))
            .Where(usage => Text(usage, "type") == UsageEvent.BillableType)
            .ToListAsync(TestContext.Current.CancellationToken);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Soul_ShowsWhoItIs_AlsoInASessionOfItsOwnCharacter()
    {
        var session = await Host.Client.CreateSessionAsync("advise");

        var (own, inSession) = (await ShownAsync("self.soul.manifest"), await ShownAsync("self.soul.manifest", new { session_id = session }));

        Assert.Equal(("K-gent", "reflect", "advise"), (Text(own, "name"), Text(own, "mode"), Text(inSession, "mode")));
        Assert.Equal(Eigenvectors.Names, own.GetProperty("eigenvectors").EnumerateObject().Select(each => each.Name));
        Assert.Equal(Persona.Preferences, Texts(own, "preferences"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Session_IsArchived_AndThenTakesNoPathThatAsks()
    {
        var session = await Host.Client.CreateSessionAsync();
        Model.Enqueue(ModelScript.Reply("hm"));
        await Host.Client.SayAsync(session, "well?");

        var archived = await ShownAsync("self.session.archive", new { session_id = session });

        Assert.Equal("archived", Text(archived, "status"));
        Assert.Equal((409, "session-archived"), (await RefusedAsync("self.soul.reflect", new { input = "more", session_id = session })) is var (status, name, _) ? (status, name) : default);
        Assert.Equal(["well?", "hm"], (await ShownAsync("self.session.witness", new { session_id = session })).GetProperty("messages").EnumerateArray().Select(message => Text(message, "content")));
        Assert.Single(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Usage_IsTheLedgers_AndIsForecastByAStraightLine()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(40, 3)));
        await InvokeAsync("self.soul.reflect", new { input = "why?" });

        // Of the call and of the turn.
        JsonElement usage = default;
        await Eventually.TrueAsync(async () => (usage = await ShownAsync("self.usage.manifest")) is var shown && !shown.GetProperty("is_behind").GetBoolean() && shown.GetProperty("usage").GetArrayLength() == 2);

        var forecast = await ShownAsync("self.usage.forecast");

        Assert.Equal(["0", "43"], usage.GetProperty("usage").EnumerateArray().Select(row => Text(row, "total_tokens")).Order(StringComparer.Ordinal));
        Assert.Equal("43", Text(forecast, "total_tokens"));
        Assert.True(decimal.Parse(Text(forecast, "forecast_tokens"), System.Globalization.CultureInfo.InvariantCulture) >= 43);
        Assert.False(forecast.TryGetProperty("exceeds_plan", out _));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Capabilities_AreThoseOfTheKey_AndWhatIsLeftOfThePlan()
    {
        using var created = await Host.Client.CreateTenantAsync("acme", "free");
        using var client = await Host.NewClientAsync("acme", "read", "write");
        Model.Enqueue(new ModelScript(new ModelStep.Token("hm"), new ModelStep.Usage(40, 3)));
        await InvokeAsync("self.soul.reflect", new { input = "Is this one sentence?" }, client: client);
        JsonElement shown = default;
        await Eventually.TrueAsync(async () => Text(shown = await ShownAsync("self.capabilities.list", client: client), "plan") == "free" && shown.GetProperty("turns").GetProperty("left").GetInt32() == 2);

        Assert.Equal(["read", "write"], Texts(shown, "scopes"));
        Assert.Equal(10_000 - 43, shown.GetProperty("tokens").GetProperty("left").GetInt64());
        var minute = shown.GetProperty("requests")[0];
        Assert.Equal(("minute", 60), (Text(minute, "limit"), minute.GetProperty("of").GetInt32()));
        Assert.InRange(minute.GetProperty("left").GetInt32(), 0, 58);
    }
}
