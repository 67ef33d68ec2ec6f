using System.Globalization;

namespace Kgents.Testing;

/// <summary>Three real nats-servers on loopback that form a cluster, so that each stream can have a copy on every one.</summary>
public sealed class NatsCluster : IAsyncDisposable
{
    private const int Size = 3;

    private readonly Dictionary<string, NatsServer> _nodes = [];

    /// <summary>Of the routes: the nodes must know each other's before they start.</summary>
    private readonly ReservedPort[] _ports = [.. Enumerable.Range(0, Size).Select(_ => new ReservedPort())];
    private readonly SelfSignedCertificate? _certificate;
    private readonly NatsUsers? _users;

    private NatsCluster(NatsUsers? users)
    {
        _users = users;
        _certificate = users is null ? null : new SelfSignedCertificate("localhost");
    }

    /// <summary>All nodes: a client goes on at another when its own is gone.</summary>
    public string Url => string.Join(',', _nodes.Values.Select(node => node.Url));

    /// <summary>The names of the nodes, by which the server names leaders.</summary>
    public IEnumerable<string> Names => _nodes.Keys;

    public IReadOnlyCollection<NatsServer> Nodes => _nodes.Values;

    /// <summary>Of the certificate that a secured cluster's nodes show, for whoever is to trust it.</summary>
    public string? CertificateFile => _certificate?.CertificateFile;

    /// <summary>The node of that name.</summary>
    public NatsServer this[string name] => _nodes[name];

    /// <summary>All nodes of a secured cluster, as this user.</summary>
    public string UrlOf(string user) => string.Join(',', _nodes.Values.Select(node => _users!.TlsUrlOf(user, node.Port)));

    /// <summary>Returns when every node answers; they may still be electing leaders.</summary>
    public static Task<NatsCluster> StartAsync(CancellationToken cancellationToken) => StartAsync(null, cancellationToken);

    /// <summary>The same with the shipped configuration: <c>deploy/nats/cluster.conf</c>, with its users and TLS.</summary>
    public static Task<NatsCluster> StartSecuredAsync(NatsUsers users, CancellationToken cancellationToken) => StartAsync(users, cancellationToken);

    private static async Task<NatsCluster> StartAsync(NatsUsers? users, CancellationToken cancellationToken)
    {
        var cluster = new NatsCluster(users);
        int[] ports = [.. cluster._ports.Select(port => port.Number)];
        try
        {
            for (var index = 0; index < Size; index++)
            {
                var name = $"node-{index + 1}";
                cluster._nodes[name] = await NatsServer.StartAsync(users is null ? Open(name, ports[index], ports) : cluster.Secured(name, ports[index], ports), cancellationToken);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static NatsServerSettings Open(string name, int port, int[] ports) => new()
    {
        InMemory = false,
        ExtraConfiguration = string.Create(CultureInfo.InvariantCulture, $"server_name: {name}\ncluster {{ name: kgents, listen: \"127.0.0.1:{port}\", routes: {Routes(ports)} }}"),
    };

    private NatsServerSettings Secured(string name, int port, int[] ports) => new()
    {
        InMemory = false,
        Shipped = "cluster.conf",
        Users = _users,
        Environment = new Dictionary<string, string>
        {
            ["KGENTS_NATS_NODE"] = name,
            ["KGENTS_NATS_CLUSTER_LISTEN"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"),
            ["KGENTS_NATS_ROUTES"] = Routes(ports),
            ["KGENTS_NATS_STORE_SIZE"] = "10TB",
            ["KGENTS_NATS_CERT"] = _certificate!.CertificateFile,
            ["KGENTS_NATS_KEY"] = _certificate.KeyFile,
            ["KGENTS_NATS_CA"] = _certificate.CertificateFile,
        },
    };

    private static string Routes(int[] ports) =>
        $"[{string.Join(", ", ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"\"nats://localhost:{port}\"")))}]";

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        foreach (var port in _ports)
        {
            port.Dispose();
        }

        _certificate?.Dispose();
    }
}
