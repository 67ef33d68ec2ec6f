using System.Net.Sockets;
using System.Text;

namespace Kgents.Testing;

/// <summary>Speaks just enough NATS to be connected to, and says that it is some other version.</summary>
public sealed class OldNatsServer : IAsyncDisposable
{
    private readonly byte[] _info;
    private readonly TcpEndpoint _endpoint;
    private int _connections;

    private OldNatsServer(string version)
    {
        _endpoint = new TcpEndpoint(ServeAsync);
        _info = Encoding.UTF8.GetBytes(
            $$"""INFO {"server_id":"OLD","server_name":"old","version":"{{version}}","proto":1,"host":"127.0.0.1","port":{{_endpoint.Port}},"headers":true,"jetstream":true,"max_payload":1048576}"""
            + "\r\n");
    }

    public string Url => $"nats://127.0.0.1:{_endpoint.Port}";

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public static Task<OldNatsServer> StartAsync(string version, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new OldNatsServer(version));
    }

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    private async Task ServeAsync(Socket client, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _connections);
        await using NetworkStream stream = new(client, ownsSocket: false);
        await stream.WriteAsync(_info, cancellationToken);
        await NatsFrameReader.ReadAllAsync(
            stream,
            async (frame, token) =>
            {
                if (frame.Operation is NatsOperation.Ping)
                {
                    await stream.WriteAsync("PONG\r\n"u8.ToArray(), token);
                }
            },
            cancellationToken);
    }
}
