using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>One nats-server whose acks survive a kill, or a cluster of three as it is shipped; either with the shipped users.</summary>
internal sealed class ChaosNats(NatsUsers users, NatsServer? server, NatsCluster? cluster) : IAsyncDisposable
{
    public NatsServer Server => server ?? throw new InvalidOperationException("This is a cluster.");

    public NatsCluster Cluster => cluster ?? throw new InvalidOperationException("This is one server.");

    public string Name => cluster is null ? "1 nats-server" : "3 nats-servers";

    /// <summary>What a service has to know to work with it.</summary>
    public IReadOnlyDictionary<string, string?> Environment => cluster is null
        ? new Dictionary<string, string?>()
        : new Dictionary<string, string?> { ["Nats__Replicas"] = "3", ["SSL_CERT_FILE"] = cluster.CertificateFile };

    public static async Task<ChaosNats> StartServerAsync(CancellationToken cancellationToken)
    {
        var users = new NatsUsers();
        return new ChaosNats(users, await NatsServer.StartAsync(new NatsServerSettings { SyncInterval = "always", Users = users }, cancellationToken), null);
    }

    public static async Task<ChaosNats> StartClusterAsync(CancellationToken cancellationToken)
    {
        var users = new NatsUsers();
        return new ChaosNats(users, null, await NatsCluster.StartSecuredAsync(users, cancellationToken));
    }

    public string UrlOf(string user) => cluster?.UrlOf(user) ?? users.UrlOf(user, Server.Port);

    public Store OpenStore() => new(UrlOf(NatsUsers.Operator), cluster?.CertificateFile);

    public async ValueTask DisposeAsync()
    {
        IReadOnlyCollection<NatsServer> nodes = cluster?.Nodes ?? [Server];
        var violations = await Task.WhenAll(nodes.Select(node => node.ReadViolationsButLateAnswersAsync()));
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }

        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }

        Assert.True(violations.All(each => each.Count == 0), string.Join("\n", violations.SelectMany(each => each)));
    }
}
