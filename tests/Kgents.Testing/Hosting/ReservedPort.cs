using System.Net;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>
/// A free loopback port that nobody else on this machine is given, also while the process that listens on it is down: bound here and not listened on, which Linux lets one who names the port do
/// beside it. Elsewhere it was free a moment ago.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort()
    {
        // The runtime sets SO_REUSEADDR on Unix, as whoever is to listen must, and nats-server does.
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
        if (!OperatingSystem.IsLinux())
        {
            _socket.Dispose();
        }
    }

    public int Number { get; }

    public void Dispose() => _socket.Dispose();
}
