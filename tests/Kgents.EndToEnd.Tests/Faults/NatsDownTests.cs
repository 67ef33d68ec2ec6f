using System.Net;
using System.Net.Http.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

public sealed class NatsDownTests
{
    /// <summary>So many that waiting for a timeout in each would end the test.</summary>
    private const int Requests = 50;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Api_RefusesAtOnceAndRecoversByItself_WhenNatsIsDown()
    {
        await using var system = await KgentsSystem.StartAsync();
        var session = await system.Client.CreateSessionAsync();
        await system.Nats.KillAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => await system.Client.HealthAsync("ready") == HttpStatusCode.ServiceUnavailable);

        for (var request = 0; request < Requests; request++)
        {
            using var response = await system.Client.PostAsync(session, new { message = "Are you there?" });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.True(response.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }

        using (var response = await system.Client.Http.PostAsJsonAsync("/v1/kgent/sessions", new { }, TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, await system.Client.HealthAsync("live"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await system.Client.HealthAsync("ready"));

        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
        await system.Api.WaitForReadyAsync(TestContext.Current.CancellationToken);
        Assert.Equal("complete", (await system.Client.SayAsync(session, "And now?")).Terminal().Event);
        Assert.Equal(2, (await system.Client.MessagesAsync(session)).Count);
        await Eventually.TrueAsync(() => system.BilledCalls == 1);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Stream_GetsItsEnd_WhenNatsIsRestartedUnderIt()
    {
        await using var system = await KgentsSystem.StartAsync();
        var script = new ModelScript(new ModelStep.Token("Before"), new ModelStep.WaitForRelease(), new ModelStep.Token(" and after."));
        system.Model.Enqueue(script);
        await using var turn = await system.Client.FollowAsync(await system.Client.CreateSessionAsync(), "Does it hold?");
        await turn.NextAsync("chunk");

        await system.Nats.KillAsync(TestContext.Current.CancellationToken);
        script.Release();
        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
        var frames = await turn.ReadToEndAsync();

        Assert.Equal(["accepted", "chunk", "usage", "complete"], frames.Outline());
        Assert.Equal("Before and after.", frames.ShownText());
        Assert.Equal("Before and after.", frames.Terminal().Json.Text("text"));
        Assert.Single(system.Model.Requests);
    }
}
