using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>Accepts on a free loopback port and serves each socket; a fault of a server shows in <see cref="DisposeAsync"/>.</summary>
internal sealed class TcpEndpoint : IAsyncDisposable
{
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<Socket, Task> _serving = new();
    private readonly Task _accepting;
    private Exception? _fault;

    public TcpEndpoint(Func<Socket, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
        {
            return;
        }

        await _closing.CancelAsync();
        await _accepting;
        _listener.Dispose();
        await Task.WhenAll(_serving.Values);
        _closing.Dispose();
        if (_fault is { } fault)
        {
            throw new InvalidOperationException("A connection did not follow the protocol that the test's endpoint speaks.", fault);
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_closing.Token);
                socket.NoDelay = true;

                // A task that is already complete must not stay in the table.
                var served = ServeAsync(socket);
                _serving[socket] = served;
                if (served.IsCompleted)
                {
                    _serving.TryRemove(socket, out _);
                }
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The end of the test is the end of this loop.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await _serve(socket, _closing.Token);
            }
            catch (Exception exception) when (IsDisconnect(exception))
            {
                // Sockets that break are what these endpoints are for.
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _fault, exception, null);
            }
            finally
            {
                _serving.TryRemove(socket, out _);
            }
        }
    }

    public static bool IsDisconnect(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException;
}
