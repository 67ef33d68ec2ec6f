using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class ModelDownTests
{
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turn_EndsWithModelUnavailableAndIsNotBilled_WhenNothingListensAtTheEndpoint()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Model = "Endpoint=http://127.0.0.1:1/v1;Key=test-key;Model=gone" });
        var session = await system.Client.CreateSessionAsync();

        var frames = await system.Client.SayAsync(session, "Is anybody there?");

        Assert.Equal(["accepted", "usage", "error"], frames.Outline());
        Assert.Equal("model_unavailable", frames.Terminal().Json.Text("code"));
        Assert.DoesNotContain("127.0.0.1", frames.Terminal().Data, StringComparison.Ordinal);
        await system.Store.UsageExportedAsync();
        var usage = Assert.Single(system.OpenMeter.AcceptedEvents, usage => usage.Text("type") is UsageEvent.BillableType or UsageEvent.NonBillableType);
        var data = usage.GetProperty("data");
        Assert.Equal((UsageEvent.NonBillableType, "false", "upstream_error"), (usage.Text("type"), data.Text("billable"), data.Text("outcome")));
        Assert.All(data.EnumerateObject().Where(property => property.Name.EndsWith("_tokens", StringComparison.Ordinal)), property => Assert.Equal("0", property.Value.GetString()));

        // The model comes back, as another worker's.
        var dead = Assert.Single(system.Workers);
        await system.StartWorkerAsync(system.Model.ConnectionString);
        await dead.TerminateAsync(TestContext.Current.CancellationToken);
        Assert.Equal("complete", (await system.Client.SayAsync(session, "And now?")).Terminal().Event);
    }
}
