using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary>What tenants name in <c>world</c> and <c>concept</c>: the soul answers as the archetype that asks, and remembers it for the tenant.</summary>
public sealed class HolonTests : AgenteseTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Thing_IsKnown_OnceItIsDefined_ToEachArchetypeAsItSawIt()
    {
        Assert.Equal((404, "agentese-not-found", "world.old_house.define"), (await RefusedAsync("world.old_house.manifest", archetype: "poet")) is var (status, name, problem) ? (status, name, Text(problem, "suggestion")) : default);
        Model.Enqueue(ModelScript.Reply("Stone that waits."));
        Model.Enqueue(ModelScript.Reply("Four walls."));
        Model.Enqueue(ModelScript.Reply("Three storeys."));

        var poet = await InvokeAsync("world.old_house.define", archetype: "poet");
        var architect = await InvokeAsync("world.old_house.define", new { input = "It leaks." }, archetype: "architect");
        await InvokeAsync("world.old_house.blueprint[phase=DEVELOP]", archetype: "architect");

        Assert.Equal(Text(poet, "session_id"), Text(architect, "session_id"));
        var (first, second, third) = (Model.Requests[0].Messages, Model.Requests[1].Messages, Model.Requests[2].Messages);
        Assert.StartsWith("You are asked as the poet, who cares for image, mood and the one right word. Define the thing 'old house':", first[^1].Content, StringComparison.Ordinal);
        Assert.EndsWith("\n\nConsider this:\nIt leaks.", second[^1].Content, StringComparison.Ordinal);
        Assert.Equal("Stone that waits.", second[2].Content);
        Assert.Contains("to blueprint it", third[^1].Content, StringComparison.Ordinal);
        Assert.EndsWith("The phase of the work is DEVELOP.", third[^1].Content, StringComparison.Ordinal);

        var (byPoet, byArchitect, byDeveloper) = (await ShownAsync("world.old_house.manifest", archetype: "poet"), await ShownAsync("world.old_house.manifest", archetype: "architect"), await ShownAsync("world.old_house.manifest", archetype: "developer"));
        Assert.Equal(("Stone that waits.", "poet"), (Text(byPoet.GetProperty("definition"), "text"), Text(byPoet.GetProperty("definition"), "by")));
        Assert.Equal(("Four walls.", "Three storeys."), (Text(byArchitect.GetProperty("definition"), "text"), Text(byArchitect.GetProperty("views").GetProperty("blueprint"), "text")));
        Assert.Equal("architect", Text(byDeveloper.GetProperty("definition"), "by"));
        Assert.Empty(byDeveloper.GetProperty("views").EnumerateObject());
        Assert.Equal(["architect", "poet"], Texts(byDeveloper, "seen_by"));
        Assert.Equal(["world.old_house.define", "world.old_house.define", "world.old_house.blueprint"], (await ShownAsync("world.old_house.witness")).GetProperty("turns").EnumerateArray().Select(turn => Text(turn, "path")));
        Assert.Equal(["world.old_house"], Texts(await GetAsync("paths"), "known"));
        Assert.Equal("world.old_house", Text(await GetAsync("resolve?path=world.old_house"), "handle"));
    }

    /// <summary>Its session can be asked like any other, which tells nothing of it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Thing_IsKnownByItsOwnPathsAlone()
    {
        Model.Enqueue(ModelScript.Reply("Four walls."));
        Model.Enqueue(ModelScript.Reply("Rest."));
        var session = Text(await InvokeAsync("world.house.define"), "session_id");
        await InvokeAsync("self.soul.reflect", new { input = "I am tired.", session_id = session }, archetype: "poet");

        var manifest = await ShownAsync("world.house.manifest", archetype: "poet");

        Assert.Empty(manifest.GetProperty("views").EnumerateObject());
        Assert.Equal(["admin"], Texts(manifest, "seen_by"));
        Assert.Equal(["world.house.define"], (await ShownAsync("world.house.witness")).GetProperty("turns").EnumerateArray().Select(turn => Text(turn, "path")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Dialectic_HasThreeParts_OrIsAnAnswerThatCannotBeRead()
    {
        Model.Enqueue(ModelScript.Reply("**THESIS**: It binds.\nAll of us.\n**ANTITHESIS:** It blinds.\nSYNTHESIS: It sees."));
        Model.Enqueue(new ModelScript(new ModelStep.Token("THESIS: It binds.\nSYNTHESIS: It sees."), new ModelStep.Usage(10, 5)));

        var answer = await ShownAsync("concept.justice.dialectic", archetype: "philosopher");

        Assert.Equal("""{"thesis":"It binds.\nAll of us.","antithesis":"It blinds.","synthesis":"It sees."}""", answer.GetRawText());
        var (status, name, problem) = await RefusedAsync("concept.justice.dialectic", archetype: "philosopher");
        Assert.Equal((502, "agentese-answer-unreadable"), (status, name));
        Assert.Single((await TurnRecords.ReadAsync(Host, Text(await GetSessionAsync(), "id"), Kgents.Contracts.TurnId.Parse(Text(problem, "turn_id")))).BillableUsage);
    }

    private async Task<System.Text.Json.JsonElement> GetSessionAsync() =>
        System.Text.Json.JsonElement.Parse(await Host.Client.GetStringAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken)).GetProperty("sessions")[0];

    [Fact(Timeout = Limits.Test)]
    public async Task Two_WhoAskAboutOneThingAtOnce_AreBothAnswered_InOneSession()
    {
        Model.DefaultScript = ModelScript.Reply("hm");

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(number => InvokeAsync("concept.time.define", new { input = $"number {number}" }, archetype: "teacher")));

        Assert.Single(answers.Select(answer => Text(answer, "session_id")).Distinct());
        Assert.Equal(4, answers.Select(answer => Text(answer, "turn_id")).Distinct().Count());
        await Eventually.TrueAsync(async () => (await Host.Client.GetStringAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken)).Split("\"id\"").Length == 2);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Thing_IsForgottenWithItsSession_AndCanBeNamedAnew()
    {
        Model.DefaultScript = ModelScript.Reply("hm");
        var first = Text(await InvokeAsync("world.ship.define"), "session_id");
        using var deleted = await Host.Client.DeleteAsync(new Uri($"/v1/kgent/sessions/{first}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(404, (await RefusedAsync("world.ship.manifest")).Status);
        Assert.Empty(Texts(await GetAsync("paths"), "known"));

        var second = Text(await InvokeAsync("world.ship.define"), "session_id");
        Assert.NotEqual(first, second);
        Assert.Equal("hm", Text((await ShownAsync("world.ship.manifest")).GetProperty("definition"), "text"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task System_ShowsItselfToTheOperator_AndToNobodyElse()
    {
        using var stranger = await Host.NewClientAsync("acme", "read", "write", "admin", "billing");
        Model.DefaultScript = ModelScript.Reply("hm");
        await InvokeAsync("self.soul.reflect", new { input = "why?" });

        Assert.Equal("healthy", Text(await ShownAsync("world.system.health"), "status"));
        var messages = (await ShownAsync("world.system.streams")).GetProperty("streams").GetProperty(Streams.Messages.Name);
        Assert.Equal((2, 2), (messages.GetProperty("messages").GetInt64(), messages.GetProperty("last").GetInt64()));
        await Eventually.TrueAsync(async () => (await ShownAsync("world.system.lag")) is var lag && lag.GetProperty("turns").GetProperty("under_way").GetInt64() == 0
            && lag.GetProperty("usage").GetProperty("entered_through").TryGetProperty("0", out var through) && through.GetUInt64() == lag.GetProperty("usage").GetProperty("last").GetUInt64());
        foreach (var aspect in (string[])["health", "streams", "lag"])
        {
            Assert.Equal((403, "operator-only"), (await RefusedAsync($"world.system.{aspect}", client: stranger)) is var (status, name, _) ? (status, name) : default);
            Assert.Equal((403, "agentese-affordance-denied"), (await RefusedAsync($"world.system.{aspect}", archetype: "developer")) is var (other, denied, _) ? (other, denied) : default);
        }

        Assert.Equal(404, (await RefusedAsync("world.system.define")).Status);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Thing_ThatTheQuotaHasNoRoomFor_IsNotMadeKnown()
    {
        using var created = await Host.Client.CreateTenantAsync("acme", "narrow");
        using var client = await Host.NewClientAsync("acme", "read", "write");
        Model.Enqueue(new ModelScript(new ModelStep.Token("much"), new ModelStep.Usage(1_000, 999)));
        await InvokeAsync("world.ship.define", client: client);
        await Eventually.TrueAsync(async () => (await ShownAsync("self.capabilities.list", client: client)).GetProperty("turns").GetProperty("left").GetInt32() == 5);

        // The first refusal of a month is noted, whatever it is of.
        Assert.Equal(429, (await RefusedAsync("world.ship.define", client: client)).Status);
        var before = await StoredButEventsAsync();

        Assert.Equal((429, 429), ((await RefusedAsync("world.boat.define", client: client)).Status, (await RefusedAsync("concept.time.define", client: client)).Status));

        Assert.Equal(before, await StoredButEventsAsync());
        Assert.Equal(["world.ship"], Texts(await GetAsync("paths", client), "known"));

        // Webhooks tell of the refusal itself.
        async Task<string> StoredButEventsAsync() => string.Join('\n', (await StoredState.ReadAsync(Host)).Split('\n').Where(line => !line.StartsWith(Streams.WebhookEvents.Name, StringComparison.Ordinal)));
    }

    /// <summary>Nothing is known in another's name; what is refused makes nothing known.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Thing_ThatIsTooLongToAsk_MakesNothingKnown()
    {
        var before = await StoredState.ReadAsync(Host);

        Assert.Equal((422, "invalid-request"), (await RefusedAsync("world.ship.define", new { input = new string('x', 32 * 1024) })) is var (status, name, _) ? (status, name) : default);
        Assert.Equal((422, "invalid-request"), (await RefusedAsync("world.ship.relate")) is var (again, invalid, _) ? (again, invalid) : default);

        Assert.Equal(before, await StoredState.ReadAsync(Host));
    }
}
