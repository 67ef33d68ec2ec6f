using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary>Paths one after the other: each is given what the one before it answers, and what cannot be composed does nothing.</summary>
public sealed class CompositionTests : AgenteseTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Paths_GiveEachOtherWhatTheyAnswer_AndEachIsMetered()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("wider"), new ModelStep.Usage(10, 1)));
        Model.Enqueue(new ModelScript(new ModelStep.Token("but why?"), new ModelStep.Usage(20, 2)));

        var answer = await ComposeAsync(new { paths = new object[] { "self.soul.explore[law_check]", new object[] { "self.identity.pass", "self.soul.challenge" } }, input = "small boats", kwargs = new { budget = "deep" } });

        Assert.Equal(("but why?", 33), (Text(answer.GetProperty("result"), "text"), answer.GetProperty("tokens_used").GetInt64()));
        Assert.Equal(["small boats", "wider"], Model.Requests.Select(request => request.Messages[^1].Content));
        Assert.All(Model.Requests, request => Assert.Equal(8000, request.MaxTokens));
        Assert.Equal(["self.soul.explore", "self.identity.pass", "self.soul.challenge"], answer.GetProperty("steps").EnumerateArray().Select(step => Text(step, "path")));
        Assert.Equal([11L, 0L, 22L], answer.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("tokens_used").GetInt64()));
        Assert.Equal(["identity", "associativity", "minimal_output"], Texts(answer, "laws"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Source_NeedsNoInput_AndItsAnswerGoesOn()
    {
        Model.Enqueue(ModelScript.Reply("old words"));
        await InvokeAsync("self.soul.reflect", new { input = "a question" });
        Model.Enqueue(ModelScript.Reply("new words"));

        var answer = await ComposeAsync(new { paths = new[] { "void.serendipity.tangent", "concept.memory.define" } });

        Assert.Equal("new words", Text(answer.GetProperty("result"), "text"));
        Assert.EndsWith("\n\nConsider this:\nold words", Model.Requests[1].Messages[^1].Content, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Step_ThatFails_IsNamed_AndEndsIt()
    {
        Model.Enqueue(ModelScript.Reply("wider"));
        Model.Enqueue(new ModelScript(new ModelStep.Status(500)));

        using var response = await SendAsync("compose", new { paths = new[] { "self.soul.explore", "self.soul.challenge", "self.soul.advise" }, input = "boats" });
        var (status, name, problem) = await ProblemAsync(response);

        Assert.Equal((502, "model-unavailable", 2), (status, name, problem.GetProperty("step").GetInt32()));
        Assert.Equal(2, Model.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Composition_RunsOnce_HoweverOftenItIsSentUnderOneKey()
    {
        Model.Enqueue(ModelScript.Reply("one"));
        Model.Enqueue(ModelScript.Reply("two"));
        var body = new { paths = new[] { "self.soul.explore", "self.soul.challenge" }, input = "boats" };

        using var first = await SendAsync("compose", body, key: "k-1");
        using var second = await SendAsync("compose", body, key: "k-1");

        Assert.Equal((200, 200), ((int)first.StatusCode, (int)second.StatusCode));
        Assert.Equal(await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), await second.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((false, true), (IsReplayed(first), IsReplayed(second)));
        Assert.Equal(2, Model.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Composition_ThatAsksNobody_IsNoReplay()
    {
        var body = new { paths = new[] { "self.identity.pass" }, input = "boats" };

        using var first = await SendAsync("compose", body, key: "k-1");
        using var second = await SendAsync("compose", body, key: "k-1");

        Assert.Equal((false, false), (IsReplayed(first), IsReplayed(second)));
    }

    /// <summary>A quota that ends on the way ends the composition; sent again under its key it goes on where it was, and is no replay.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Step_ThatIsOverAQuota_IsNamed()
    {
        using var created = await Host.Client.CreateTenantAsync("acme", "narrow");
        using var client = await Host.NewClientAsync("acme", "read", "write");
        Model.Enqueue(new ModelScript(new ModelStep.Token("wider"), new ModelStep.Usage(1_000, 999)));

        foreach (var _ in Enumerable.Range(0, 2))
        {
            using var response = await SendAsync("compose", new { paths = new[] { "self.soul.explore", "self.soul.challenge" }, input = "boats" }, client, "k-1");
            var (status, name, problem) = await ProblemAsync(response);

            Assert.True((429, 2) == (status, problem.TryGetProperty("step", out var step) ? step.GetInt32() : 0), problem.GetRawText());
            Assert.Contains("quota-exceeded", name, StringComparison.Ordinal);
            Assert.NotNull(response.Headers.RetryAfter);
            Assert.False(IsReplayed(response));
        }

        Assert.Single(Model.Requests);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Step_ThatFailed_IsNamedAgain_WhenItIsSentAgain()
    {
        Model.Enqueue(ModelScript.Reply("wider"));
        Model.Enqueue(new ModelScript(new ModelStep.Status(500)));
        var body = new { paths = new[] { "self.soul.explore", "self.soul.challenge" }, input = "boats" };

        using var first = await SendAsync("compose", body, key: "k-1");
        using var second = await SendAsync("compose", body, key: "k-1");
        var (status, name, problem) = await ProblemAsync(second);

        Assert.Equal((502, "model-unavailable"), (status, name));
        Assert.Equal(2, problem.TryGetProperty("step", out var step) ? step.GetInt32() : 0);
        Assert.Equal((false, true), (IsReplayed(first), IsReplayed(second)));
    }

    private static bool IsReplayed(HttpResponseMessage response) => response.Headers.Contains("Idempotency-Replayed");

    [Theory(Timeout = Limits.Test)]
    [InlineData("""{"paths":["self.soul.explore","self.soul.manifest"],"input":"x"}""", 422, "agentese-composition", 2)]
    [InlineData("""{"paths":["self.soul.manifest"],"input":"x"}""", 422, "agentese-composition", 1)]
    [InlineData("""{"paths":["self.soul.explore","self.soul.challenge","self.soul.explore[phase=PLAN]"],"input":"x"}""", 422, "agentese-composition", 3)]
    [InlineData("""{"paths":["time.trace.replay"]}""", 422, "agentese-composition", 1)]
    [InlineData("""{"paths":["self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass","self.identity.pass"],"input":"x"}""", 422, "agentese-composition", 11)]
    [InlineData("""{"paths":["self.soul.explore","self.sool.challenge"],"input":"x"}""", 404, "agentese-not-found", 2)]
    [InlineData("""{"paths":["self.soul.explore","self.soul"],"input":"x"}""", 400, "agentese-syntax", 2)]
    [InlineData("""{"paths":["self.soul.explore","concept.x.refine"],"input":"x"}""", 403, "agentese-affordance-denied", 2)]
    [InlineData("""{"paths":["self.soul.explore","concept.x.relate"],"input":"x"}""", 422, "invalid-request", 2)]
    [InlineData("""{"paths":["self.soul.explore"]}""", 422, "invalid-request", 1)]
    [InlineData("""{"paths":["self.identity.pass"],"input":[1,2]}""", 422, "agentese-law-violation", 1)]
    [InlineData("""{"paths":["self.soul.explore"],"input":"x","kwargs":{"input":"y"}}""", 422, "invalid-request", null)]
    [InlineData("""{"paths":["self.soul.explore"],"input":"x","kwargs":{"to":"y"}}""", 422, "invalid-request", null)]
    [InlineData("""{"paths":["concept.x.relate"],"kwargs":{"to":" "}}""", 422, "invalid-request", 1)]
    [InlineData("""{"paths":["concept.x.relate"],"kwargs":{"to":"y","to":"z"}}""", 400, "invalid-request", null)]
    [InlineData("""{"paths":["self.soul.explore"],"input":"x","kwargs":[]}""", 422, "invalid-request", null)]
    [InlineData("""{"paths":[[],[[]]],"input":"x"}""", 422, "invalid-request", null)]
    [InlineData("""{"paths":"self.soul.explore","input":"x"}""", 422, "invalid-request", null)]
    [InlineData("""{"paths":["self.soul.explore",7],"input":"x"}""", 422, "invalid-request", null)]
    [InlineData("""{"input":"x"}""", 422, "invalid-request", null)]
    public async Task Paths_ThatDoNotCompose_AreRefused_AndNothingIsDone(string body, int status, string name, int? step)
    {
        var before = await StoredState.ReadAsync(Host);

        using var response = await SendAsync("compose", JsonElement.Parse(body));
        var problem = await ProblemAsync(response);

        Assert.Equal((status, name), (problem.Status, problem.Name));
        Assert.Equal(step, problem.Json.TryGetProperty("step", out var at) ? at.GetInt32() : null);
        Assert.Empty(Model.Requests);
        Assert.Equal(before, await StoredState.ReadAsync(Host));
    }

    private async Task<JsonElement> ComposeAsync(object body, string? key = null)
    {
        using var response = await SendAsync("compose", body, key: key);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }
}
