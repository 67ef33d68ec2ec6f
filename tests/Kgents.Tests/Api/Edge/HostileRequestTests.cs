using Kgents.Api.Edge;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Edge;

/// <summary>Requests that are made to hurt are refused, store nothing, and leave the process as it was.</summary>
public sealed class HostileRequestTests(AttackedApi api) : IClassFixture<AttackedApi>
{
    [Fact(Timeout = Limits.Test)]
    public async Task Headers_ThatAreTooLargeOrTooMany_AreNotRead()
    {
        Assert.StartsWith("HTTP/1.1 201 ", await api.SendAsync(api.Post("/v1/kgent/sessions", $"X-Big: {new string('x', 15 * 1024)}\r\n", 2) + "{}"), StringComparison.Ordinal);
        await api.RefusedAsync("HTTP/1.1 431 ", api.Post("/v1/kgent/sessions", $"X-Big: {new string('x', ServerLimits.LargestHeaders)}\r\n", 2) + "{}");
        await api.RefusedAsync("HTTP/1.1 431 ", api.Post("/v1/kgent/sessions", string.Concat(Enumerable.Range(0, ServerLimits.MostHeaders).Select(n => $"X-{n}: x\r\n")), 2) + "{}");
        await api.RefusedAsync("HTTP/1.1 414 ", api.Post($"/v1/kgent/sessions/{new string('x', 10_000)}/messages", "", 2) + "{}");
        await api.RefusedAsync("HTTP/1.1 414 ", api.Post($"/v1/kgent/sessions?{new string('x', 9 * 1024)}", "", 2) + "{}");
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
            await api.RefusedAsync("HTTP/1.1 400 ", api.Post(path, "", bomb.Length) + bomb);
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
            var answer = await api.RefusedAsync("HTTP/1.1 415 ", api.Post(path, "", 2).Replace("application/json", type, StringComparison.Ordinal) + "{}");
            Assert.Contains("urn:kgents:problem:not-json", answer, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatIsTooLarge_IsRefused_AlsoWhenItDoesNotSayHowLargeItIs()
    {
        await api.RefusedAsync("HTTP/1.1 413 ", api.Post("/v1/kgent/sessions", "", 1_000_000_000));
        var chunk = new string(' ', ServerLimits.LargestBody);
        var chunked = api.Post("/v1/keys", "Transfer-Encoding: chunked\r\n", null) + $"{chunk.Length:x}\r\n{chunk}\r\n{chunk.Length:x}\r\n{chunk}\r\n0\r\n\r\n";
        await api.RefusedAsync("HTTP/1.1 413 ", chunked);

        // Also where no endpoint reads it.
        Assert.Equal(ServerLimits.LargestBody, api.Host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits.MaxRequestBodySize);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Body_ThatIsNotHttp_IsRefused()
    {
        var answer = await api.RefusedAsync("HTTP/1.1 400 ", api.Post("/v1/keys", "Transfer-Encoding: chunked\r\n", null) + "what\r\n");

        Assert.Contains("urn:kgents:problem:invalid-request", answer, StringComparison.Ordinal);
    }
}
