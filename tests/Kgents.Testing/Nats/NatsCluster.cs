using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>Three real nats-servers on loopback that form a cluster, so that each stream can have a copy on every one.</summary>
public sealed class NatsCluster : IAsyncDisposable
{
    private const int Size = 3;

    private readonly Dictionary<string, NatsServer> _nodes = [];

    private NatsCluster()
    {
    }

    /// <summary>All nodes: a client goes on at another when its own is gone.</summary>
    public string Url => string.Join(',', _nodes.Values.Select(node => node.Url));

    /// <summary>The names of the nodes, by which the server names leaders.</summary>
    public IEnumerable<string> Names => _nodes.Keys;

    /// <summary>The node of that name.</summary>
    public NatsServer this[string name] => _nodes[name];

    /// <summary>Returns when every node answers; they may still be electing leaders.</summary>
    public static async Task<NatsCluster> StartAsync(CancellationToken cancellationToken)
    {
        var cluster = new NatsCluster();
        var ports = FreePorts();
        var routes = string.Join(", ", ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"\"nats://127.0.0.1:{port}\"")));
        try
        {
            for (var index = 0; index < Size; index++)
            {
                var name = $"node-{index + 1}";
                var configuration = string.Create(
                    CultureInfo.InvariantCulture, $"server_name: {name}\ncluster {{ name: kgents, listen: \"127.0.0.1:{ports[index]}\", routes: [{routes}] }}");
                cluster._nodes[name] = await NatsServer.StartAsync(new NatsServerSettings { ExtraConfiguration = configuration }, cancellationToken);
            }

            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>The nodes must know each other's ports before they start: ports that were free a moment ago, all drawn before one is given back.</summary>
    private static int[] FreePorts()
    {
        var listeners = Enumerable.Range(0, Size).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(listener => listener.Start());
        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        listeners.ForEach(listener => listener.Dispose());
        return ports;
    }
}
