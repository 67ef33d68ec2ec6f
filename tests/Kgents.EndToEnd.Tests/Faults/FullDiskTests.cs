using System.Net;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>The disk beneath nats-server is full, and no limit of its own has kept it from that: a real disk, and a real "no space left on device".</summary>
[TakesSeconds(60)]
public sealed class FullDiskTests
{
    /// <summary>More than a file of the store can take into the page that it has.</summary>
    private static readonly string Long = new('x', 8 * 1024);

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Services_AreUnreadyAndSayItOnce_AndLoseNothingThatWasAcknowledged()
    {
        var missing = SmallDisk.TryMount(48, out var mounted);
        Assert.SkipWhen(mounted is null, missing ?? "");
        using var disk = mounted;
        await using var system = await KgentsSystem.StartAsync(
            new SystemSettings { Store = Path.Combine(disk.Path, "store"), Environment = new Dictionary<string, string?> { ["Messages__AcceptTimeout"] = "00:00:03" } });
        ServiceProcess[] services = [system.Api, Assert.Single(system.Workers), system.Metering];
        var script = new ModelScript(new ModelStep.Token("Before"), new ModelStep.WaitForRelease(), new ModelStep.Token(Long), new ModelStep.Token(" and after."));
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();
        await using var turn = await system.Client.FollowAsync(session, "Does it hold?");
        await turn.NextAsync("chunk");
        await using var waiting = new TurnReader(await system.Client.PostAsync(session, new { message = "And what waits?", on_busy = "enqueue" }));
        Assert.Equal(HttpStatusCode.OK, waiting.Response.StatusCode);

        disk.Fill();
        script.Release();
        while (await system.Client.HealthAsync("ready") == HttpStatusCode.OK)
        {
            using var refused = await system.Client.PostAsync(session, new { message = Long, on_busy = "enqueue" });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        await Eventually.TrueAsync(() => services.All(service => Said(service).Any()));
        Assert.Equal(HttpStatusCode.OK, await system.Client.HealthAsync("live"));

        disk.MakeRoom();
        await system.Nats.StopAsync(TestContext.Current.CancellationToken);
        await system.Nats.RestartAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(services.Select(service => service.WaitForReadyAsync(TestContext.Current.CancellationToken)));

        Assert.Equal($"Before{Long} and after.", (await turn.ReadToEndAsync()).ShownText());
        Assert.Equal("complete", (await waiting.ReadToEndAsync()).Terminal().Event);
        Assert.Equal("complete", (await system.Client.SayAsync(session, "And now?")).Terminal().Event);
        Assert.Equal(6, (await system.Client.MessagesAsync(session)).Count);
        await system.Store.UsageExportedAsync();
        Assert.Equal((3, 0), (system.BilledCalls, system.OpenMeter.Duplicates));
        Assert.All(services, service => Assert.Equal(Said(service).Distinct(), Said(service)));
    }

    /// <summary>The streams that it has called silent.</summary>
    private static IEnumerable<string> Said(ServiceProcess service) =>
        from line in service.Output
        let start = line.IndexOf("nats-server acknowledges nothing in ", StringComparison.Ordinal)
        where start >= 0 && line.Contains("restart it", StringComparison.Ordinal)
        select line[start..];
}
