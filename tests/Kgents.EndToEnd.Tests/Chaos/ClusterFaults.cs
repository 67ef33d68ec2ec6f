using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Something that was done to one node or to all, one after the other.</summary>
/// <param name="Whole">When every stream had a copy on every node again that lacked nothing.</param>
/// <param name="Ended">A little later, when the services had found it.</param>
internal sealed record ClusterFault(string What, DateTimeOffset Began, DateTimeOffset Whole, DateTimeOffset Ended);

/// <summary>
/// Takes nodes of a cluster away, one at a time, since two of three are what it needs: each of the acts once, and for longer runs any of them
/// again until it is over. Between two acts the cluster becomes whole.
/// </summary>
internal sealed class ClusterFaults(NatsCluster cluster, Store store, ChaosSettings settings)
{
    private readonly Random random = settings.RandomOf("cluster");
    private readonly List<ClusterFault> done = [];

    public IReadOnlyList<ClusterFault> Done => done;

    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        (string What, Func<CancellationToken, Task> Act)[] acts =
        [
            ("nothing", token => Draws.PassAsync(TimeSpan.FromSeconds(5), token)),
            ("leader of the turns' logs killed", token => KillAsync(Streams.Tokens.Name, random.Between(0, 2), token)),
            ("leader of the conversations killed", token => KillAsync(Streams.Messages.Name, random.Between(0, 2), token)),
            ("leader of usage killed", token => KillAsync(Streams.Usage.Name, random.Between(0, 2), token)),
            ("leader of the turns' logs frozen for 8 s", FreezeAsync),
            ("a node away for 15 s", token => KillAsync(null, TimeSpan.FromSeconds(15), token)),
            ("all nodes restarted in turn", RestartAllAsync),
        ];
        await WholeAsync(cancellationToken);
        foreach (var (what, act) in acts)
        {
            await DoAsync(what, act, cancellationToken);
        }

        while (!over.IsCancellationRequested)
        {
            var (what, act) = random.OneOf(acts);
            await DoAsync(what, act, cancellationToken);
        }
    }

    private async Task DoAsync(string what, Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetUtcNow();
        await act(cancellationToken);
        await WholeAsync(cancellationToken);
        var whole = TimeProvider.System.GetUtcNow();
        await Draws.PassAsync(TimeSpan.FromSeconds(3), cancellationToken);
        done.Add(new ClusterFault(what, began, whole, TimeProvider.System.GetUtcNow()));
    }

    /// <param name="stream">Its leader; null for any node.</param>
    private async Task KillAsync(string? stream, TimeSpan away, CancellationToken cancellationToken)
    {
        var node = stream is null ? random.OneOf([.. cluster.Nodes]) : await LeaderAsync(stream);
        await node.KillAsync(cancellationToken);
        await Draws.PassAsync(away, cancellationToken);
        await node.RestartAsync(cancellationToken);
    }

    /// <summary>It comes back as a leader that does not know yet that it is none any more.</summary>
    private async Task FreezeAsync(CancellationToken cancellationToken)
    {
        var node = await LeaderAsync(Streams.Tokens.Name);
        node.Pause();
        await Draws.PassAsync(TimeSpan.FromSeconds(8), cancellationToken);
        node.Resume();
    }

    private async Task RestartAllAsync(CancellationToken cancellationToken)
    {
        foreach (var node in cluster.Nodes)
        {
            await node.StopAsync(cancellationToken);
            await node.RestartAsync(cancellationToken);
            await WholeAsync(cancellationToken);
        }
    }

    private async Task<NatsServer> LeaderAsync(string stream)
    {
        string? leader = null;
        await Eventually.TrueAsync(async () => (leader = await store.LeaderAsync(stream)) is not null);
        return cluster[leader!];
    }

    private Task WholeAsync(CancellationToken cancellationToken) => Eventually.TrueAsync(store.IsWholeAsync).WaitAsync(cancellationToken);
}
