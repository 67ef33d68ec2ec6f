using Kgents.Contracts;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>
/// The shipped cluster, three copies of everything, and nodes that die, freeze, stay away and are restarted under sessions, viewers and metering: what was
/// acknowledged stays, each viewer sees all of it once, and OpenMeter has each usage event once. Most of it is the time that elections take, so it runs beside other tests.
/// </summary>
[TakesSeconds(117)]
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
        Assert.True(faults.Done.Any(fault => fault.What.Contains("killed", StringComparison.Ordinal) && IsWrittenOver(run.Log, fault)), $"No turn was under way when a node was killed: this run proves little. {report}");

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

    /// <summary>Something of one turn was stored before it began, and something after that. How long there were none meanwhile is only told, since other load decides on it too.</summary>
    private static bool IsWrittenOver(StoredLog log, ClusterFault fault) =>
        log.OfTurns.Any(turn => turn.Any(entry => entry.Time < fault.Began) && turn.Any(entry => entry.Time >= fault.Began));
}
