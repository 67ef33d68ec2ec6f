using System.Net.Sockets;
using System.Text;

namespace Kgents.EndToEnd.Tests.Viewers;

/// <summary>A client that asks for a stream and reads nothing of it; its side of the connection holds as little as the kernel lets it.</summary>
internal sealed class StalledViewer : IDisposable
{
    private const int SmallestBuffer = 2048;
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = SmallestBuffer };

    /// <summary>In HTTP/1.0, which has no chunks: the body is the stream and nothing else.</summary>
    public static async Task<StalledViewer> ConnectAsync(Uri api, string path, string key)
    {
        var viewer = new StalledViewer();
        await viewer.socket.ConnectAsync(api.Host, api.Port, TestContext.Current.CancellationToken);
        await viewer.socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.0\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n"), TestContext.Current.CancellationToken);
        return viewer;
    }

    /// <summary>What had reached it by the time that it was cut: reads at last, until there is no more.</summary>
    public async Task<string> ReadRestAsync()
    {
        var text = new MemoryStream();
        var buffer = new byte[64 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken) is > 0 and var count)
            {
                text.Write(buffer, 0, count);
            }
        }
        catch (SocketException)
        {
            // An aborted connection ends with a reset, which may take back what was on its way: the ids of what came say where to go on.
        }

        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>What has reached it, without waiting for more than there is.</summary>
    public async Task<string> ReadSomeAsync()
    {
        var buffer = new byte[64 * 1024];
        var count = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    public void Dispose() => socket.Dispose();
}
