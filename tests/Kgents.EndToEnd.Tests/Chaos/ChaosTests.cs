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
        await using var system = await ChaosSystem.StartAsync(ChaosNats.StartServerAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        var faults = new Faults(system, settings);
        var run = new ChaosRun("chaos", system, settings);

        await run.RunAsync(faults.RunAsync, TestContext.Current.CancellationToken);

        foreach (var (fault, count) in faults.Counts.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            run.Verdict.Count(fault, count);
        }

        var report = await run.ReportAsync();
        Assert.True(run.Verdict.IsClean, report);
        Assert.All(
            ["nats-server killed", "Kgents.Api killed", "Kgents.Streaming killed", "turns that ended completed", "posts that were sent again"],
            what => Assert.True(run.Verdict.Of(what) > 0, $"There were no {what}: this run proves little. {report}"));
    }
}
