using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary><c>void</c>: entropy, which is there once for each tenant, and what is come upon by chance.</summary>
public sealed class VoidTests : AgenteseTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Entropy_IsDrawn_PouredBackAndAddedTo()
    {
        Assert.Equal("""{"budget":100,"remaining":100,"drawn":0}""", (await ShownAsync("void.entropy.status")).GetRawText());

        var sip = await ShownAsync("void.entropy.sip[entropy=0.07]");
        var usual = await ShownAsync("void.entropy.sip");
        var pour = await ShownAsync("void.entropy.pour", new { amount = 0.07m });
        var tithe = await ShownAsync("void.entropy.tithe", new { input = "thanks" });

        Assert.Equal((0.07m, 99.93m), (sip.GetProperty("amount").GetDecimal(), sip.GetProperty("remaining").GetDecimal()));
        Assert.Matches("^[0-9a-f]{32}$", Text(sip, "seed"));
        Assert.NotEqual(Text(sip, "seed"), Text(usual, "seed"));
        Assert.Equal("""{"returned":0.07,"remaining":99.915,"drawn":0.05}""", pour.GetRawText());
        Assert.Equal(100m, tithe.GetProperty("remaining").GetDecimal());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Entropy_IsNeverDrawnTwice_HoweverManyDrawAtOnce()
    {
        await ShownAsync("void.entropy.sip", new { amount = 1 });

        await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => ShownAsync("void.entropy.sip", new { amount = 0.25m })));

        Assert.Equal("""{"budget":100,"remaining":89.00,"drawn":11.00}""", (await ShownAsync("void.entropy.status")).GetRawText());
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("void.entropy.sip[entropy=0]", "{}", 422, "invalid-request")]
    [InlineData("void.entropy.sip[entropy=1.5]", "{}", 400, "agentese-syntax")]
    [InlineData("void.entropy.sip[entropy=0.5]", """{"amount":0.5}""", 422, "invalid-request")]
    [InlineData("void.entropy.sip", """{"amount":0}""", 422, "invalid-request")]
    [InlineData("void.entropy.sip", """{"amount":1.00001}""", 422, "invalid-request")]
    [InlineData("void.entropy.sip", """{"amount":"1"}""", 422, "invalid-request")]
    [InlineData("void.entropy.sip", """{"amount":1e400}""", 422, "invalid-request")]
    [InlineData("void.entropy.pour", """{"amount":0.5}""", 422, "invalid-request")]
    [InlineData("void.entropy.pour", "{}", 422, "invalid-request")]
    [InlineData("void.entropy.status[entropy=0.5]", "{}", 422, "agentese-law-violation")]
    [InlineData("void.serendipity.tangent", "{}", 404, "agentese-not-found")]
    public async Task Entropy_ThatCannotBe_IsRefused_AndNothingIsDrawn(string path, string kwargs, int status, string name)
    {
        var before = await StoredState.ReadAsync(Host);

        var refused = await RefusedAsync(path, System.Text.Json.JsonElement.Parse(kwargs));

        Assert.Equal((status, name), (refused.Status, refused.Name));
        Assert.Equal(before, await StoredState.ReadAsync(Host));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Entropy_EndsSomeTime()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var small = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Agentese:EntropyBudget", "1"));
        await ShownAsync("void.entropy.sip", new { amount = 0.9m }, client: small.Client);

        var (status, name, problem) = await RefusedAsync("void.entropy.sip", new { amount = 0.2m }, client: small.Client);

        Assert.Equal((402, "agentese-budget-exhausted", 0.1m), (status, name, problem.GetProperty("remaining").GetDecimal()));
        await ShownAsync("void.entropy.tithe", client: small.Client);
        Assert.Equal(0m, (await ShownAsync("void.entropy.sip", new { amount = 0.2m }, client: small.Client)).GetProperty("remaining").GetDecimal());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tangent_IsATurnOfTheTenantsOwnPast_AndCostsEntropy()
    {
        using var stranger = await Host.NewClientAsync("stranger");
        Model.Enqueue(ModelScript.Reply("theirs"));
        await InvokeAsync("self.soul.reflect", new { input = "their question" }, client: stranger);
        Assert.Equal(404, (await RefusedAsync("void.serendipity.tangent")).Status);
        Model.DefaultScript = ModelScript.Reply("mine");
        await InvokeAsync("self.soul.reflect", new { input = "one" });
        await InvokeAsync("self.soul.reflect", new { input = "two" });

        var seen = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            var tangent = await ShownAsync("void.serendipity.tangent");
            Assert.Equal("mine", Text(tangent, "text"));
            seen.Add(Text(tangent, "question"));
            return seen.Count == 2;
        });

        Assert.True((await ShownAsync("void.entropy.status")).GetProperty("drawn").GetDecimal() >= 0.1m);
        Assert.Equal(0m, (await ShownAsync("void.entropy.status", client: stranger)).GetProperty("drawn").GetDecimal());
    }
}
