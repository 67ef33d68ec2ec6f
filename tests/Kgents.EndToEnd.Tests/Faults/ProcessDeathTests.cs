using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class ProcessDeathTests
{
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turn_GoesOn_WhenTheApiIsKilled()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false });
        var script = new ModelScript(new ModelStep.Token("Before"), new ModelStep.WaitForRelease(), new ModelStep.Token(" and after."));
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();

        await using (var turn = await system.Client.FollowAsync(session, "Do you need the API?"))
        {
            await turn.NextAsync("chunk");
            await system.Api.KillAsync(TestContext.Current.CancellationToken);
        }

        script.Release();
        await system.StartApiAsync();
        await Eventually.TrueAsync(async () => (await system.Client.MessagesAsync(session)).Count == 2);

        var answer = (await system.Client.MessagesAsync(session))[1];
        Assert.Equal(("Before and after.", "completed"), (answer.Text("content"), answer.Text("status")));
        Assert.Single(system.Model.Requests);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turn_IsAnsweredWholeByAnotherWorker_WhenItsWorkerIsKilled()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Environment = new Dictionary<string, string?> { ["Turns__AckWait"] = "00:00:02" } });
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("Words of"), new ModelStep.Token(" the dead"), new ModelStep.Stall()));
        system.Model.Enqueue(new ModelScript(new ModelStep.Token("A whole"), new ModelStep.Token(" answer."), new ModelStep.Usage(9, 3)));
        var session = await system.Client.CreateSessionAsync();
        var first = Assert.Single(system.Workers);

        await using var turn = await system.Client.FollowAsync(session, "Who answers?");
        await turn.NextAsync("chunk");
        await system.StartWorkerAsync();
        await first.KillAsync(TestContext.Current.CancellationToken);
        var frames = await turn.ReadToEndAsync();

        Assert.Equal(["accepted", "chunk", "restarted", "chunk", "usage", "complete"], frames.Outline());
        Assert.Equal(2, Assert.Single(frames.Named("restarted")).GetProperty("attempt").GetInt32());
        Assert.Equal(frames.Ids().Distinct().Order(), frames.Ids());
        Assert.Equal("A whole answer.", frames.ShownText());
        Assert.Equal("A whole answer.", frames.Terminal().Json.Text("text"));
        Assert.Equal((9, 3), frames.Terminal().Json.Tokens());
        Assert.Equal("A whole answer.", (await system.Client.MessagesAsync(session))[^1].Text("content"));

        await system.Store.UsageExportedAsync();
        var events = system.OpenMeter.AcceptedEvents;
        var billable = Assert.Single(events, usage => usage.Text("type") == UsageEvent.BillableType);
        Assert.Equal("12", billable.GetProperty("data").Text("total_tokens"));
        var dead = Assert.Single(events, usage => usage.Text("type") == UsageEvent.NonBillableType).GetProperty("data");
        Assert.Equal(("interrupted", "0"), (dead.Text("outcome"), dead.Text("total_tokens")));
    }
}
