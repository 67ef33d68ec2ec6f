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
        try
        {
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            Port = ((IPEndPoint)_socket.LocalEndPoint!).Port;
            if (!OperatingSystem.IsLinux())
            {
                _socket.Dispose();
            }
        }
        catch (SocketException exception)
        {
            _socket.Dispose();
            if (port == 0 || exception.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                throw;
            }

            // Somebody took it first, and may be gone before the server is started again; if not, that start says so.
            Port = port;
        }
    }

    public int Port { get; }

    public void Dispose() => _socket.Dispose();
}
