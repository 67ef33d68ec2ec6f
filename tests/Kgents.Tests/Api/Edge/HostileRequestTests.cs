using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kgents.Api.Edge;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Edge;

/// <summary>Requests that are made to hurt are refused, store nothing, and leave the process as it was.</summary>
public sealed class HostileRequestTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Headers_ThatAreTooLargeOrTooMany_AreNotRead()
    {
        Assert.StartsWith("HTTP/1.1 201 ", await SendAsync(Post("/v1/kgent/sessions", $"X-Big: {new string('x', 15 * 1024)}\r\n", 2) + "{}"), StringComparison.Ordinal);
        await RefusedAsync("HTTP/1.1 431 ", Post("/v1/kgent/sessions", $"X-Big: {new string('x', ServerLimits.LargestHeaders)}\r\n", 2) + "{}");
        await RefusedAsync("HTTP/1.1 431 ", Post("/v1/kgent/sessions", string.Concat(Enumerable.Range(0, ServerLimits.MostHeaders).Select(n => $"X-{n}: x\r\n")), 2) + "{}");
        await RefusedAsync("HTTP/1.1 414 ", Post($"/v1/kgent/sessions/{new string('x', 10_000)}/messages", "", 2) + "{}");
        await RefusedAsync("HTTP/1.1 414 ", Post($"/v1/kgent/sessions?{new string('x', 9 * 1024)}", "", 2) + "{}");
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatComesTooSlowly_IsNotWaitedFor()
    {
        var answer = await RefusedAsync("HTTP/1.1 408 ", Post("/v1/kgent/sessions", "", 1_000) + "{");

        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Headers_ThatComeTooSlowly_AreNotWaitedFor()
    {
        var started = Stopwatch.StartNew();

        await RefusedAsync("HTTP/1.1 408 ", "POST /v1/kgent/sessions HTTP/1.1\r\nHost: localhost\r\n");

        // Kestrel's own limit is 30 s.
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(25), $"It took {started.Elapsed}.");
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("/v1/kgent/sessions", """{"title":#}""")]
    [InlineData("/v1/soul/governance", """{"action":"x","context":{"a":#}}""")]
    [InlineData("/v1/keys", """{"name":"x","scopes":#}""")]
    [InlineData("/v1/admin/tenants", """{"name":"x","settings":{"a":#}}""")]
    public async Task Json_ThatIsNestedDeeply_IsRefused(string path, string body)
    {
        foreach (var (open, close) in new[] { ("[", "]"), ("{\"a\":", "}") })
        {
            var depth = 7_000 / open.Length;
            var bomb = body.Replace("#", string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth)), StringComparison.Ordinal);
            await RefusedAsync("HTTP/1.1 400 ", Post(path, "", bomb.Length) + bomb);
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("/v1/kgent/sessions")]
    [InlineData("/v1/soul/dialogue")]
    [InlineData("/v1/soul/governance")]
    [InlineData("/v1/keys")]
    [InlineData("/v1/admin/tenants")]
    public async Task Body_ThatDoesNotSayThatItIsJson_IsNotRead(string path)
    {
        foreach (var type in new[] { "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html" })
        {
            var answer = await RefusedAsync("HTTP/1.1 415 ", Post(path, "", 2).Replace("application/json", type, StringComparison.Ordinal) + "{}");
            Assert.Contains("urn:kgents:problem:not-json", answer, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatIsTooLarge_IsRefused_AlsoWhenItDoesNotSayHowLargeItIs()
    {
        await RefusedAsync("HTTP/1.1 413 ", Post("/v1/kgent/sessions", "", 1_000_000_000));
        var chunk = new string(' ', ServerLimits.LargestBody);
        var chunked = Post("/v1/keys", "Transfer-Encoding: chunked\r\n", null) + $"{chunk.Length:x}\r\n{chunk}\r\n{chunk.Length:x}\r\n{chunk}\r\n0\r\n\r\n";
        await RefusedAsync("HTTP/1.1 413 ", chunked);

        // Also where no endpoint reads it.
        Assert.Equal(ServerLimits.LargestBody, host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.MaxRequestBodySize);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatIsNotHttp_IsRefused()
    {
        var answer = await RefusedAsync("HTTP/1.1 400 ", Post("/v1/keys", "Transfer-Encoding: chunked\r\n", null) + "what\r\n");

        Assert.Contains("urn:kgents:problem:invalid-request", answer, StringComparison.Ordinal);
    }

    private string Post(string path, string headers, long? length) =>
        $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {host.Client.DefaultRequestHeaders.Authorization}\r\nContent-Type: application/json\r\n{(length is null ? "" : $"Content-Length: {length}\r\n")}{headers}\r\n";

    /// <summary>The answer, which begins so; nothing was stored for it, nothing was said of a fault, and the API goes on.</summary>
    private async Task<string> RefusedAsync(string expected, string request)
    {
        var before = await StoredState.ReadAsync(host);

        var answer = await SendAsync(request);

        Assert.StartsWith(expected, answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.Ordinal);
        Assert.Equal(before, await StoredState.ReadAsync(host));
        Assert.DoesNotContain(host.Logs.Lines, line => line.StartsWith("Error", StringComparison.Ordinal) || line.StartsWith("Critical", StringComparison.Ordinal));
        using var alive = await host.Client.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        return answer;
    }

    /// <summary>Sends these bytes, and no more, and reads what comes at once.</summary>
    private async Task<string> SendAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(host.Client.BaseAddress!.Host, host.Client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        var buffer = new byte[16 * 1024];
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken));
    }
}
