using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// The shipped cluster, three copies of everything, and nodes that die, freeze, stay away and are restarted under sessions, viewers and metering: what was
/// acknowledged stays, each viewer sees all of it once, and OpenMeter has each usage event once. Most of it is the time that elections take, so it runs beside other tests.
/// </summary>
public sealed class ClusterChaosTests
{
    // No timeout: the time may be given. Each act once takes about a minute and a half.
    [Fact]
    public async Task Everything_HappensOnceAndIsSeenOnceByAll_WhicheverNodeIsAway()
    {
        var settings = ChaosSettings.FromEnvironment() with { Sessions = 8 };
        await using var system = await ChaosSystem.StartAsync(ChaosNats.StartClusterAsync(TestContext.Current.CancellationToken), settings, TestContext.Current.CancellationToken);
        var faults = new ClusterFaults(system.Nats.Cluster, system.Store, settings);
        var run = new ChaosRun("cluster", system, settings);

        await run.RunAsync(TormentAsync, TestContext.Current.CancellationToken);

        foreach (var stream in new[] { Streams.Tokens, Streams.Messages, Streams.Usage, Streams.Ledger })
        {
            var holes = await system.Store.MissingAsync(stream.Name);
            run.Verdict.Rule($"{stream.Name} has every sequence that it gave", holes == 0 ? [] : [$"{holes} are missing"]);
        }

        var report = await run.ReportAsync(Silences.Table(faults.Done, run.Log));
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.True(run.Verdict.IsClean, report);
        Assert.True(run.Verdict.Of("turns that ended completed") > 0, report);
        Assert.Contains(faults.Done, fault => fault.What.Contains("killed", StringComparison.Ordinal) && Silences.Longest([.. run.Log.Entries.Select(entry => entry.Time)], fault) > Quiet(run, faults));

        // Metering dies meanwhile, and OpenMeter does what it can.
        async Task TormentAsync(CancellationToken over, CancellationToken cancellationToken)
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var others = new MeteringFaults(system, settings, run.Faults).RunAsync(ended.Token, cancellationToken);
            await faults.RunAsync(over, cancellationToken);
            await ended.CancelAsync();
            await others;
        }
    }

    private static double Quiet(ChaosRun run, ClusterFaults faults) => Silences.Longest([.. run.Log.Entries.Select(entry => entry.Time)], faults.Done[0]);
}
