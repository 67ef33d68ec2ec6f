using System.Net;
using System.Net.Sockets;

namespace Kgents.Testing;

/// <summary>Asks a port whether a NATS server answers there.</summary>
internal static class NatsHandshake
{
    /// <summary>True when INFO came and a PING was answered, also when the answer is that we may not, or that there is TLS first.</summary>
    public static async Task<bool> IsAnsweredAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            await using var stream = client.GetStream();
            using StreamReader reader = new(stream);
            if (await reader.ReadLineAsync(cancellationToken) is not { } info || !info.StartsWith("INFO ", StringComparison.Ordinal))
            {
                return false;
            }

            if (info.Contains("\"tls_required\":true", StringComparison.Ordinal))
            {
                return true;
            }

            await stream.WriteAsync("CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n"u8.ToArray(), cancellationToken);
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line == "PONG" || line.StartsWith("-ERR", StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }
}
