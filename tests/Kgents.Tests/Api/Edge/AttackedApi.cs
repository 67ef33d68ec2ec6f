using System.Net;
using System.Net.Sockets;
using System.Text;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Edge;

/// <summary>An API, and a client of it that sends bytes.</summary>
public sealed class AttackedApi : IAsyncLifetime
{
    private NatsServer nats = null!;

    internal KgentsHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        Host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await nats.DisposeAsync();
    }

    internal string Post(string path, string headers, long? length) =>
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {Host.Client.DefaultRequestHeaders.Authorization}\r\nContent-Type: application/json\r\n{(length is null ? "" : $"Content-Length: {length}\r\n")}{headers}\r\n";

    /// <summary>The answer, which begins so; nothing was stored for it, nothing was said of a fault, and the API goes on.</summary>
    internal async Task<string> RefusedAsync(string expected, string request)
    {
        var before = await StoredState.ReadAsync(Host);

        var answer = await SendAsync(request);

        Assert.StartsWith(expected, answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.Ordinal);
        Assert.Equal(before, await StoredState.ReadAsync(Host));
        Assert.DoesNotContain(Host.Logs.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) || line.StartsWith("Critical", StringComparison.Ordinal));
        using var alive = await Host.Client.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        return answer;
    }

    /// <summary>Sends these bytes, and no more, and reads what comes at once.</summary>
    internal async Task<string> SendAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Host.Client.BaseAddress!.Host, Host.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        var buffer = new byte[16 * 1024];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken));
    }
}
