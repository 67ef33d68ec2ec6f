using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>
/// A TCP proxy in front of a NATS server that understands the protocol and breaks the connection at a chosen publish.
/// Bytes that are not NATS in either direction make <see cref="DisposeAsync"/> throw.
/// </summary>
public sealed class NatsProxy : IAsyncDisposable
{
    private readonly Uri _server;
    private readonly PublishFaults _faults = new();
    private readonly ConcurrentDictionary<NatsProxyConnection, bool> _connections = new();
    private readonly TcpEndpoint _endpoint;
    private TaskCompletionSource _cut = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NatsProxy(Uri server)
    {
        _server = server;
        _endpoint = new TcpEndpoint(ServeAsync);
    }

    /// <summary>Where clients connect: <c>nats://127.0.0.1:port</c>.</summary>
    public string Url => $"nats://127.0.0.1:{_endpoint.Port}";

    /// <summary>Completes when the cut of the last <see cref="CutAt"/> has happened and the clients' sockets are closed.</summary>
    public Task CutHappened => Volatile.Read(ref _cut).Task;

    /// <summary>Subjects of the last 10,000 publishes that clients sent, JetStream's API and acks included.</summary>
    public IReadOnlyList<string> PublishedSubjects => _faults.Subjects;

    /// <summary>Replies swallowed by <see cref="DropRepliesOnce"/> so far.</summary>
    public int DroppedReplies => _faults.DroppedReplies;

    public static async Task<NatsProxy> StartAsync(string serverUrl, CancellationToken cancellationToken)
    {
        Uri server = new(serverUrl);

        // A wrong address shall fail here, not as a client's endless reconnect.
        using Socket probe = new(SocketType.Stream, ProtocolType.Tcp);
        await probe.ConnectAsync(server.Host, server.Port, cancellationToken);
        return new NatsProxy(server);
    }

    /// <summary>Cuts at the n-th publish from now on (1-based) whose subject matches; null matches every subject.</summary>
    /// <remarks>All clients' sockets are reset, and new ones are, until <see cref="Restore"/>.</remarks>
    public void CutAt(int publish, CutPoint point, Func<string, bool>? subjectFilter = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(publish, 1);
        Volatile.Write(ref _cut, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _faults.CutAt(publish, point, subjectFilter);
    }

    /// <summary>The server gets the next matching publish that asks for a reply; the client never gets that reply.</summary>
    public void DropRepliesOnce(Func<string, bool> subjectFilter) => _faults.DropRepliesOnce(subjectFilter);

    /// <summary>From now on clients get no message that the server wants answered so, as a consumer's; null lets all through again. Heartbeats, which want no answer, go through.</summary>
    public void DropMessages(Func<string, bool>? replyFilter) => _faults.DropMessages(replyFilter);

    /// <summary>Holds back the next matching publish, and all that its client sends after it, until the hold is released.</summary>
    public PublishHold HoldOnce(Func<string, bool> subjectFilter)
    {
        PublishHold hold = new();
        _faults.HoldOnce(subjectFilter, hold);
        return hold;
    }

    /// <summary>Lets clients in again after a cut.</summary>
    public void Restore() => _faults.Restore();

    public ValueTask DisposeAsync() => _endpoint.DisposeAsync();

    private async Task ServeAsync(Socket client, CancellationToken cancellationToken)
    {
        using Socket server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await server.ConnectAsync(_server.Host, _server.Port, cancellationToken);
        using NatsProxyConnection connection = new(client, server, _faults, CutAll);

        // In the table before the check: either the cut finds this connection, or this connection finds the cut.
        _connections[connection] = true;
        try
        {
            if (_faults.IsCut)
            {
                connection.AbortClient();
                return;
            }

            await connection.RunAsync(cancellationToken);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }

    private void CutAll()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.AbortClient();
        }

        Volatile.Read(ref _cut).TrySetResult();
    }
}
