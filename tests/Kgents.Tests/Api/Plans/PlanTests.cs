using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Plans;

/// <summary>What a tenant may ask for is its plan's.</summary>
public sealed class PlanTests : TurnTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task FreeTenant_WhispersByDefault_AndIsRefusedWhatItsPlanHasNot()
    {
        await using var host = await StartAsync(("Plans:Default", "free"));
        using var client = await host.NewClientAsync("acme");

        var session = await client.CreateSessionAsync();
        using var deep = await client.PostAsJsonAsync("/v1/kgent/sessions", new { budget = "deep" }, TestContext.Current.CancellationToken);
        using var message = await client.PostAsJsonAsync($"/v1/kgent/sessions/{session}/messages", new { message = "hi", budget = "dialogue" }, TestContext.Current.CancellationToken);
        using var dialogue = await client.PostAsJsonAsync("/v1/soul/dialogue", new { prompt = "hi", budget = "deep" }, TestContext.Current.CancellationToken);
        using var governance = await client.PostAsJsonAsync("/v1/soul/governance", new { action = "rm", budget = "deep" }, TestContext.Current.CancellationToken);

        foreach (var refused in new[] { deep, message, dialogue, governance })
        {
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.Forbidden, "urn:kgents:problem:not-in-plan", "free", "budget"), (
                refused.StatusCode, problem.GetProperty("type").GetString(), problem.GetProperty("plan").GetString(), problem.GetProperty("field").GetString()));
        }

        var created = await client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);
        Assert.Equal("whisper", created.GetProperty("budget").GetString());
        Assert.Empty(await client.MessagesAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SessionOfBefore_IsRefused_OnceItsTenantHasASmallerPlan()
    {
        await using var host = await StartAsync();
        using var client = await host.NewClientAsync("acme");
        var session = await client.CreateSessionAsync();
        Assert.Equal("complete", new Turn(await client.SayAsync(session, "hi")).EndKind);

        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "free" }, TestContext.Current.CancellationToken);
        using var refused = await client.PostAsync(session, "again");
        using var whispered = await client.PostAsJsonAsync($"/v1/kgent/sessions/{session}/messages", new { message = "again", budget = "whisper", stream = false }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.OK], [changed.StatusCode, refused.StatusCode, whispered.StatusCode]);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Models_AreThoseOfThePlan()
    {
        await using var host = await StartAsync(("Model:Allowed", "small-1,large-1"), ("Plans:Table:narrow:Models", "small-1"));
        using var client = await host.NewClientAsync("acme");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "narrow" }, TestContext.Current.CancellationToken);

        using var small = await client.PostAsJsonAsync("/v1/kgent/sessions", new { model = "small-1" }, TestContext.Current.CancellationToken);
        using var large = await client.PostAsJsonAsync("/v1/kgent/sessions", new { model = "large-1" }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.Created, HttpStatusCode.Forbidden], [small.StatusCode, large.StatusCode]);
        var session = await client.CreateSessionAsync();
        using var message = await client.PostAsync(session, "key", new { message = "hi", model = "large-1" });
        Assert.Equal(HttpStatusCode.Forbidden, message.StatusCode);
        Assert.Empty(await client.MessagesAsync(session));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Streams_AreThoseOfThePlan()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.WaitForRelease());
        await using var host = await StartAsync(("Plans:Table:narrow:Streams", "1"), ("Turns:DrainTimeout", "00:00:00"));
        using var client = await host.NewClientAsync("acme");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "narrow" }, TestContext.Current.CancellationToken);
        using var first = await client.PostAsync(await client.CreateSessionAsync(), "one");

        using var second = await client.PostAsync(await client.CreateSessionAsync(), "two");

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests], [first.StatusCode, second.StatusCode]);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task UnknownPlan_IsRefusedByName()
    {
        await using var host = await StartAsync();

        using var response = await host.Client.PostAsJsonAsync("/v1/admin/tenants", new { name = "x", plan = "golden" }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Contains("must be one of custom, enterprise, free, pro", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("Plans:Table:free:RequestsPerMinute", "-1", "Plans:Table:free")]
    [InlineData("Plans:Table:free:Budgets", "deep,golden", "Plans:Table:free:Budgets")]
    [InlineData("Plans:Table:free:DefaultBudget", "deep", "Plans:Table:free:DefaultBudget")]
    [InlineData("Plans:Table:Free Plan:Streams", "1", "Plans:Table:Free Plan")]
    [InlineData("Plans:Default", "golden", "Plans:Default")]
    public async Task Table_IsRefusedAtTheStart_ByTheNameOfTheSetting(string setting, string value, string named)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync((setting, value)));

        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Or a limit that is spelled wrong is none.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Table_IsRefusedAtTheStart_WhenAColumnIsUnknown()
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(("Plans:Table:small:RequestPerDay", "10")));

        Assert.Contains("RequestPerDay", refused.ToString(), StringComparison.Ordinal);
    }

    private Task<KgentsHost> StartAsync(params (string Key, string? Value)[] settings) =>
        KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, [("ConnectionStrings:llm", Model.ConnectionString), .. settings]);
}
