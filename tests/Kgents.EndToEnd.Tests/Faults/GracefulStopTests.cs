using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class GracefulStopTests
{
    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_EndsItsStreamsQuietly_WhenItIsToldToStop()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false });
        var script = new ModelScript(new ModelStep.Token("Not yet"), new ModelStep.WaitForRelease(), new ModelStep.Token(" over."));
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();
        await using var turn = await system.Client.FollowAsync(session, "Is it over?");
        await turn.NextAsync("chunk");

        var exitCode = await system.Api.TerminateAsync(TestContext.Current.CancellationToken);

        // No error, no end of the turn: a client goes on at another replica.
        Assert.Equal(0, exitCode);
        Assert.Equal(["accepted", "chunk"], (await turn.ReadToEndAsync()).Outline());
        script.Release();
        await system.StartApiAsync();
        await Eventually.TrueAsync(async () => (await system.Client.MessagesAsync(session)).Count == 2);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Worker_LetsItsTurnEnd_WhenItIsToldToStop()
    {
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Metering = false });
        var script = new ModelScript(new ModelStep.Token("One more"), new ModelStep.WaitForRelease(), new ModelStep.Token(" word."));
        system.Model.Enqueue(script);
        await using var turn = await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), "Finish this?");
        await turn.NextAsync("chunk");
        var worker = Assert.Single(system.Workers);

        var ended = worker.TerminateAsync(TestContext.Current.CancellationToken);
        await worker.WaitForLineAsync(line => line.Contains("Application is shutting down", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        script.Release();
        var frames = await turn.ReadToEndAsync();

        Assert.Equal(["accepted", "chunk", "usage", "complete"], frames.Outline());
        Assert.Equal("One more word.", frames.Terminal().Json.Text("text"));
        Assert.Equal(0, await ended);
        Assert.Single(system.Model.Requests);
    }
}
