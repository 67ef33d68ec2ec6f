using System.Net.Sockets;
using System.Text;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>A viewer that does not read is cut, and nobody else notices.</summary>
public sealed class SlowViewerTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task Viewer_IsCutAndCanResume_WhenItTakesNothing()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        var held = new ModelScript([new ModelStep.WaitForRelease(), .. Enumerable.Repeat(new ModelStep.Token(new string('x', 2000)), 300)]);
        model.DefaultScript = held;
        await using var host = await KgentsHost.StartAsync(
            nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString), ("Turns:Stream:WriteDeadline", "00:00:01"));
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "talk");
        var turn = (await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString();
        var events = $"/v1/kgent/sessions/{session}/turns/{turn}/events";

        using var stalled = await ConnectAsync(host, events);
        held.Release();
        var live = new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        await Eventually.TrueAsync(() => host.Logs.Lines.Any(line => line.Contains("was cut", StringComparison.Ordinal)));
        using var resumed = await host.Client.GetAsync(new Uri(events, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var again = new Turn(await SseClient.ReadAsync(resumed, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));

        Assert.Equal(600_000, live.Text.Length);
        Assert.Equal("complete", live.EndKind);
        Assert.Equal(live.Frames, again.Frames);
        Assert.Single(host.Logs.Lines, line => line.Contains("was cut", StringComparison.Ordinal));
    }

    /// <summary>Asks for the stream and reads nothing of it.</summary>
    private static async Task<Socket> ConnectAsync(KgentsHost host, string path)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(
            Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {host.Client.DefaultRequestHeaders.Authorization}\r\n\r\n"), TestContext.Current.CancellationToken);
        return socket;
    }
}
