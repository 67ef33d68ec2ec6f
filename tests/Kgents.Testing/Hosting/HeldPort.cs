using System.Net;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>
/// Keeps a loopback port for a server that does not listen on it yet, or not just now: whoever asks for any free port, or connects from one, is not given this. The socket is bound and does not listen, so
/// on Linux the server can listen beside it; elsewhere it could not, and nothing is held.
/// </summary>
internal sealed class HeldPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="port">0 for any that is free.</param>
    public HeldPort(int port)
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        if (!OperatingSystem.IsLinux())
        {
            _socket.Dispose();
        }
    }

    public int Port { get; }

    public void Dispose() => _socket.Dispose();
}
