using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Telemetry;

/// <summary>What a turn does to the metrics of those who take part in it.</summary>
public sealed class TurnMetricsTests : TurnTest
{
    [Fact(Timeout = Limits.Test)]
    [Measures(
        "kgents.messages", "kgents.stream.viewers", "kgents.stream.time_to_first_event", "kgents.turn.active", "kgents.turn.duration", "kgents.turn.queue.duration", "kgents.turn.time_to_first_token",
        "kgents.turn.added_latency", "kgents.turn.tokens", "kgents.nats.publish.duration", "kgents.nats.stream.fill")]
    public async Task Turn_IsMeasuredByWhoeverWorksOnIt()
    {
        Model.Enqueue(new ModelScript(new ModelStep.Token("one"), new ModelStep.Token(" two"), new ModelStep.Usage(9, 2)));
        Model.Enqueue(new ModelScript(new ModelStep.Status(401, "no")));
        await using var host = await StartAsync();
        var session = await host.Client.CreateSessionAsync();

        Assert.Equal("complete", (await host.Client.SayAsync(session, "count"))[^1].Event);
        Assert.Equal("error", (await host.Client.SayAsync(session, "fail"))[^1].Event);

        // Of a log with 1 GiB of room: looked at again, since nothing was in it at first.
        await Eventually.TrueAsync(async () => (await host.Client.GetFromJsonAsync<JsonElement>("/health", TestContext.Current.CancellationToken))
            .GetProperty("checks").GetProperty("streams").GetProperty("KGENTS_TOKENS").GetProperty("bytes").GetInt64() > 0);
        MeasuresAttribute.LookNow();
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.turn.queued", "kgents.health.status")]
    public async Task TurnsThatWait_AreCounted_AndDegradeTheWorker()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease());
        Model.DefaultScript = held;
        await using var host = await StartAsync(("Turns:Slots", "1"), ("Health:QueuedAt", "2"));
        for (var index = 0; index < 3; index++)
        {
            await host.Client.PostAsync(await host.Client.CreateSessionAsync(), "wait");
        }

        await Eventually.TrueAsync(async () => (await host.Client.GetStringAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken)).Contains("2 messages wait for a worker", StringComparison.Ordinal));

        // Waiting turns are no reason to send this worker no more work.
        Assert.Equal("Healthy\n", await host.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken));
        MeasuresAttribute.LookNow();
        held.Release();
    }

    private Task<KgentsHost> StartAsync(params (string Key, string? Value)[] settings) =>
        KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, [("ConnectionStrings:llm", Model.ConnectionString), .. settings]);
}
