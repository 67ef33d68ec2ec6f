using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

[Collection(typeof(OneSystem))]
public sealed class ModelFaultTests(SharedSystem shared)
{
    private readonly KgentsSystem system = shared.System;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turn_KeepsWhatWasSaidAndBillsNothing_WhenTheModelIsCutInTheMiddle()
    {
        var (tenant, client) = await system.NewTenantAsync();
        var session = await client.CreateSessionAsync();
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("It was going"), new ModelStep.Token(" so well"), new ModelStep.CutConnection()));

        var frames = await client.SayAsync(session, "Will you finish?");

        Assert.Equal(["accepted", "chunk", "usage", "error"], frames.Outline());
        Assert.Equal("model_broke_off", frames.Terminal().Json.Text("code"));
        Assert.Equal((0, 0), Assert.Single(frames.Named("usage")).Tokens());
        var stored = (await client.MessagesAsync(session))[^1];
        Assert.Equal(("It was going so well", "failed", "model_broke_off"), (stored.Text("content"), stored.Text("status"), stored.Text("error_code")));

        Assert.Equal("complete", (await client.SayAsync(session, "And now?")).Terminal().Event);
        await system.Store.UsageExportedAsync();
        var turn = frames.Turn();
        var usage = Assert.Single(system.OpenMeter.AcceptedEvents, usage => usage.Text("type") == UsageEvent.NonBillableType && usage.GetProperty("data").Text("turn_id") == turn);
        Assert.Equal((UsageEvent.NonBillableType, "false", "0"), (usage.Text("type"), usage.GetProperty("data").Text("billable"), usage.GetProperty("data").Text("total_tokens")));
        Assert.Single(system.OpenMeter.AcceptedEvents, usage => usage.Text("subject") == tenant && usage.Text("type") == UsageEvent.BillableType);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Reply_IsAProblem_WhenTheModelIsCutAndNoStreamWasAskedFor()
    {
        var session = await system.Client.CreateSessionAsync();
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("Half"), new ModelStep.CutConnection()));

        using var response = await system.Client.PostAsync(session, new { message = "All or nothing?", stream = false });

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal("model_broke_off", problem.Text("code"));
    }
}
