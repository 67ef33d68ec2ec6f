using System.Globalization;
using System.Net;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>The clock of the API, a worker and metering is put forward and back by hours while a turn streams; that of NATS is not.</summary>
public sealed class ClockJumpTests
{
    private static readonly TimeSpan Hours = TimeSpan.FromHours(5);

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Turns_AreWholeAndBilledOnce_WhenTheClockJumps()
    {
        Assert.SkipWhen(FakeClock.Missing is not null, FakeClock.Missing ?? "");
        using var clock = new FakeClock();

        // The sweep for turns that were lost is in a hurry: one that is under way must not look like one.
        await using var system = await KgentsSystem.StartAsync(new SystemSettings { Environment = new Dictionary<string, string?>(clock.Environment) { ["Sweep__Interval"] = "00:00:01" } });
        var script = new ModelScript(
            new ModelStep.Token("Now"), new ModelStep.WaitForRelease(), new ModelStep.Token(" later"), new ModelStep.WaitForRelease(), new ModelStep.Token(" before."));
        system.Model.Enqueue(script);
        var session = await system.Client.CreateSessionAsync();
        await using var turn = await system.Client.FollowAsync(session, "What time is it?");
        await turn.NextAsync("chunk");
        var complaints = Complaints();

        clock.Jump(Hours);
        script.Release();
        await turn.NextAsync("chunk");
        var ahead = await SayWholeAsync(system);
        clock.Jump(-Hours);
        script.Release();
        var frames = await turn.ReadToEndAsync();
        var behind = await SayWholeAsync(system);

        Assert.Equal("complete", frames.Terminal().Event);
        Assert.DoesNotContain(frames, frame => frame.Event == "restarted");
        Assert.Equal("Now later before.", frames.ShownText());
        Assert.True(ahead - behind > Hours, $"{ahead:O} {behind:O}");
        await system.Store.UsageExportedAsync();
        Assert.Equal((3, 0, 3), (system.BilledCalls, system.OpenMeter.Duplicates, system.Model.Requests.Count));
        await Eventually.TrueAsync(async () => await system.Client.HealthAsync("ready") == HttpStatusCode.OK);
        Assert.Equal(complaints, Complaints());

        // That NATS does not answer is what a busy machine has at any time: it is well again, as was just seen.
        int Complaints() => system.Output.Count(line => line.Contains("Not ready", StringComparison.Ordinal) && !line.Contains("NATS does not answer", StringComparison.Ordinal));
    }

    /// <summary>A turn in a session of its own; by the API's clock, when that was created.</summary>
    private static async Task<DateTimeOffset> SayWholeAsync(KgentsSystem system)
    {
        var session = await system.Client.CreateSessionAsync();
        Assert.Equal("complete", (await system.Client.SayAsync(session, "And now?")).Terminal().Event);
        return DateTimeOffset.Parse((await system.Client.SessionAsync(session)).Text("created_at"), CultureInfo.InvariantCulture);
    }
}
