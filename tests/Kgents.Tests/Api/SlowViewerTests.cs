using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Kgents.Api.Turns;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api;

/// <summary>A viewer that does not read is cut, and nobody else notices; one that reads slowly is not.</summary>
public sealed class SlowViewerTests
{
    /// <summary>Of the deadline it ends when a test says so: no viewer is cut because the machine is slow.</summary>
    private readonly SilenceClock clock = new();

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.stream.viewers_cut")]
    public async Task Viewer_IsCutAndCanResume_WhenItTakesNothing()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await StartAsync(nats, model);
        var held = LongAnswer();
        model.DefaultScript = held;
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "talk");
        var events = await EventsAsync(host, session);

        using var stalled = await ConnectAsync(host, events);
        held.Release();
        var live = await response.TurnAsync();
        await Eventually.TrueAsync(IsCut);

        // It still reads nothing: what it had comes back by the cut alone.
        var open = host.Services.GetRequiredService<OpenStreams>();
        await Eventually.TrueAsync(() => open.CountOf(Conversations.Tenant) == 0);
        var resumed = await host.Client.GetAsync(new Uri(events, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var again = await resumed.TurnAsync();

        Assert.Equal(600_000, live.Text.Length);
        Assert.Equal("complete", live.EndKind);
        Assert.Equal(live.Frames, again.Frames);
        Assert.Single(host.Logs.Lines, IsOfCut);

        // While buffers take what comes, a deadline may be met in the moment in which it ends: then the next one.
        bool IsCut() => host.Logs.Lines.Any(IsOfCut) || (clock.TryEnd() && host.Logs.Lines.Any(IsOfCut));
    }

    /// <summary>It has the deadline for each piece that it takes, and not for all that is ready for it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Viewer_HasTheDeadlineAnew_WithEachPieceThatItTakes()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        await using var host = await StartAsync(nats, model);
        var answer = LongAnswer();
        model.DefaultScript = answer;
        answer.Release();
        var session = await host.Client.CreateSessionAsync();
        using var response = await host.Client.PostAsync(session, "talk");
        var whole = await response.TurnAsync();

        using var slow = await ConnectAsync(host, await EventsAsync(host, session));
        var received = new List<byte>();
        for (var piece = 0; piece < 3; piece++)
        {
            await Eventually.TrueAsync(() => clock.IsRunning);
            for (var begun = clock.Begun; clock.IsRunning && clock.Begun == begun;)
            {
                await TakeAsync();
            }
        }

        // The end of the body, since an event may lie in two of its chunks.
        while (!CollectionsMarshal.AsSpan(received).EndsWith("\r\n0\r\n\r\n"u8))
        {
            await TakeAsync();
        }

        Assert.True(received.Count > whole.Text.Length);
        Assert.DoesNotContain(host.Logs.Lines, IsOfCut);

        async Task TakeAsync()
        {
            var buffer = new byte[8 * 1024];
            var count = await slow.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            Assert.True(count > 0, $"Cut after {received.Count} bytes.");
            received.AddRange(buffer.AsSpan(0, count));
        }
    }

    /// <summary>However long its deadline is.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Process_StopsWithoutAViewer_ThatTakesNothing()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        await using var talking = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString));
        var stopping = await KgentsHost.StartAsync(nats.Url, Parts.Api, clock, ("Turns:Stream:WriteDeadline", SilenceClock.Silence.ToString()), ("shutdownTimeoutSeconds", "3600"));
        var answer = LongAnswer();
        model.DefaultScript = answer;
        answer.Release();
        var session = await talking.Client.CreateSessionAsync();
        using var response = await talking.Client.PostAsync(session, "talk");
        await response.TurnAsync();
        using var stalled = await ConnectAsync(stopping, await EventsAsync(talking, session));
        await Eventually.TrueAsync(() => clock.IsRunning);

        var logs = stopping.Logs;
        await stopping.DisposeAsync();

        Assert.DoesNotContain(logs.Lines, line => line.Contains("[Error]", StringComparison.Ordinal));
    }

    private static bool IsOfCut(string line) => line.Contains("was cut", StringComparison.Ordinal);

    private static ModelScript LongAnswer() => new([new ModelStep.WaitForRelease(), .. Enumerable.Repeat(new ModelStep.Token(new string('x', 2000)), 300)]);

    private Task<KgentsHost> StartAsync(NatsServer nats, ScriptedModelServer model) => KgentsHost.StartAsync(
        nats.Url, Parts.Api | Parts.Streaming, clock, ("ConnectionStrings:llm", model.ConnectionString), ("Turns:Stream:WriteDeadline", SilenceClock.Silence.ToString()));

    private static async Task<string> EventsAsync(KgentsHost host, string session) =>
        $"/v1/kgent/sessions/{session}/turns/{(await host.Client.MessagesAsync(session))[0].GetProperty("turn_id").GetString()}/events";

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
