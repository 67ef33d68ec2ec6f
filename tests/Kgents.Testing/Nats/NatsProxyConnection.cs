using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>One client and its own connection to the server: two pumps that forward whole frames.</summary>
internal sealed class NatsProxyConnection(Socket client, Socket server, PublishFaults faults, Action cutAll) : IDisposable
{
    private readonly NetworkStream _client = new(client, ownsSocket: false);
    private readonly NetworkStream _server = new(server, ownsSocket: false);
    private readonly ConcurrentDictionary<string, bool> _swallowed = new();
    private readonly ServerSettled _settled = new();
    private bool _clientGone;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var toServer = PumpToServerAsync(cancellationToken);
        try
        {
            await NatsFrameReader.ReadAllAsync(_server, OnServerFrameAsync, cancellationToken);
        }
        catch (Exception exception) when (TcpEndpoint.IsDisconnect(exception))
        {
            // A killed server: the client sees it below.
        }
        finally
        {
            _settled.ServerGone();
            client.Dispose();
            await toServer;
        }
    }

    /// <summary>Resets the client's socket, without a farewell.</summary>
    public void AbortClient() => client.Close(timeout: 0);

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
    }

    private async Task PumpToServerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await NatsFrameReader.ReadAllAsync(_client, OnClientFrameAsync, cancellationToken);
        }
        catch (Exception exception) when (TcpEndpoint.IsDisconnect(exception))
        {
            // The client left, or its socket was cut.
        }
        finally
        {
            // Only half of the socket: the server shall still read everything that was forwarded.
            if (server.Connected)
            {
                server.Shutdown(SocketShutdown.Send);
            }
        }
    }

    private async ValueTask OnClientFrameAsync(NatsFrame frame, CancellationToken cancellationToken)
    {
        if (frame.Operation is NatsOperation.Publish && faults.TakeHold(frame.Subject) is { } hold)
        {
            await hold.WaitAsync(cancellationToken);
        }

        var verdict = frame.Operation is NatsOperation.Publish
            ? faults.Judge(frame.Subject, frame.ReplyTo is not null)
            : faults.IsCut ? PublishVerdict.Refuse : PublishVerdict.Forward;
        switch (verdict)
        {
            case PublishVerdict.Refuse:
                AbortClient();
                return;
            case PublishVerdict.CutBeforeForward:
                await _settled.WaitAsync(_server, null, static () => ValueTask.CompletedTask, cancellationToken);
                cutAll();
                return;
            case PublishVerdict.CutBeforeReply:
                await _settled.WaitAsync(_server, frame.ReplyTo, () => WriteAsync(_server, frame, cancellationToken), cancellationToken);
                cutAll();
                return;
            case PublishVerdict.ForwardAndDropReply:
                _swallowed[frame.ReplyTo!] = true;
                break;
            case PublishVerdict.Forward:
                break;
        }

        if (frame.Operation is NatsOperation.Ping)
        {
            _settled.Pinged();
        }

        await WriteAsync(_server, frame, cancellationToken);
    }

    private async ValueTask OnServerFrameAsync(NatsFrame frame, CancellationToken cancellationToken)
    {
        _settled.Heard(frame);
        if (frame.Operation is NatsOperation.Message && _swallowed.TryRemove(frame.Subject, out _))
        {
            faults.CountDroppedReply();
            return;
        }

        if (_clientGone || faults.IsCut || faults.IsDropped(frame))
        {
            return;
        }

        try
        {
            await WriteAsync(_client, frame, cancellationToken);
        }
        catch (Exception exception) when (TcpEndpoint.IsDisconnect(exception))
        {
            // Keep reading: closing with unread bytes would reset the server's side and lose what it has not read.
            _clientGone = true;
        }
    }

    private static async ValueTask WriteAsync(NetworkStream stream, NatsFrame frame, CancellationToken cancellationToken)
    {
        foreach (var segment in frame.Bytes)
        {
            await stream.WriteAsync(segment, cancellationToken);
        }
    }
}
