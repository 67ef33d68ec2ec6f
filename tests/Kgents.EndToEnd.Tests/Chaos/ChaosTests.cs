using Kgents.EndToEnd.Tests.Readme;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// Everything at once: sessions that talk, cancel and interrupt, viewers that come and go, and processes that die under them. What is stored is
/// the truth, and each viewer must have seen just that.
/// </summary>
[Collection(typeof(Alone))]
public sealed class ChaosTests
{
    // No timeout: the time may be given. What hangs is ended by the settling time, and then judged.
    [Fact]
    public async Task Everything_HappensOnceAndIsSeenOnceByAll_WhateverDies()
    {
        var settings = ChaosSettings.FromEnvironment();
        await using var system = await ChaosSystem.StartAsync(ChaosNats.StartServerAsync(TestContext.Current.CancellationToken), settings, TestContext.Current.CancellationToken);
        var run = new ChaosRun("chaos", system, settings);

        await run.RunAsync(new Faults(system, settings, run.Faults).RunAsync, TestContext.Current.CancellationToken);

        var report = await run.ReportAsync();
        Assert.True(run.Verdict.IsClean, report);
        Assert.All(
            [
                "nats-server killed", "Kgents.Api killed", "Kgents.Streaming killed", "Kgents.Metering killed", "events that OpenMeter lost", "turns that ended completed", "turns that ended cancelled", "posts that were sent again",
                "cancelled turns that pay for what was relayed", "differences that the reconciliation names doubled", "events that OpenMeter does not take", "events of which something was taken back",
                "events that OpenMeter lost after it had shown them", "ledgers that were begun anew", "events that were sent under a new id",
            ],
            what => Assert.True(run.Verdict.Of(what) > 0, $"There were no {what}: this run proves little. {report}"));
    }
}
