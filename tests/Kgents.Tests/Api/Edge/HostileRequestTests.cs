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

    [Theory(Timeout = Limits.Test)]
    [InlineData("Content-Type: application/json; charset=no-such")]
    [InlineData("Content-Type: application/json; charset=utf-16")]
    [InlineData("Content-Type: application/json; charset=iso-8859-1")]
    [InlineData("Content-Type: application/json\r\nContent-Encoding: gzip")]
    [InlineData("Content-Type: application/json\r\nContent-Encoding: identity, br")]
    public async Task Body_ThatIsNotPlainUtf8_IsNotRead(string headers)
    {
        var answer = await api.RefusedAsync("HTTP/1.1 415 ", api.Post("/v1/kgent/sessions", "", 2).Replace("Content-Type: application/json", headers, StringComparison.Ordinal) + "{}");

        Assert.Contains("urn:kgents:problem:not-json", answer, StringComparison.Ordinal);
        Assert.Contains("in UTF-8 and not compressed", answer, StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("application/json; charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json\r\nContent-Encoding: identity")]
    public async Task Body_ThatSaysThatItIsPlainUtf8_IsRead(string type) =>
        Assert.StartsWith("HTTP/1.1 201 ", await api.SendAsync(api.Post("/v1/kgent/sessions", "", 2).Replace("application/json", type, StringComparison.Ordinal) + "{}"), StringComparison.Ordinal);

    [Theory(Timeout = Limits.Test)]
    [InlineData("/v1/kgent/sessions", """{"titel":"x"}""", "titel: is not a field here: the fields are title, mode, model, budget, eigenvectors, metadata")]
    [InlineData("/v1/agentese/invoke", """{"path":"self.soul.manifest","observer":{"who":"x"}}""", "observer.who: is not a field here: the fields are archetype")]
    [InlineData("/v1/kgent/sessions/x/messages", """{"message":"x","when_busy":1}""", "when_busy: is not a field here: the fields are message, mode, model, budget, stream, on_busy, on_disconnect")]
    [InlineData("/v1/kgent/sessions/x/messages", """{"message":"x","cancels_on_disconnect":true}""", "cancels_on_disconnect: is not a field here")]
    [InlineData("/v1/kgent/sessions/x/messages", """{"$message":"x"}""", "\"$message: is not a field here: the fields are message,")]
    [InlineData("/v1/kgent/sessions", """{"$":"x"}""", "\"$: is not a field here: the fields are title,")]
    [InlineData("/v1/kgent/sessions", """{"title":7}""", "title: is not JSON of the type that this field has, or is there twice (line 1, byte 11)")]
    [InlineData("/v1/kgent/sessions", """{"title":"x","title":"y"}""", "title: is not JSON of the type that this field has, or is there twice")]
    [InlineData("/v1/kgent/sessions", """{"metadata":{"a":"x","a":"y"}}""", "is there twice")]
    [InlineData("/v1/keys", """{"name":"x","scopes":[7]}""", "scopes[0]: is not JSON of the type that this field has")]
    [InlineData("/v1/kgent/sessions", """[]""", "body: is not JSON of the kind that is expected (line 1, byte 2)")]
    [InlineData("/v1/soul/dialogue", "", "body: is missing: it must be a JSON object")]
    [InlineData("/v1/soul/dialogue", "null", "body: must be a JSON object")]
    public async Task Body_ThatCannotBeRead_IsToldWhereAndWhy(string path, string body, string expected)
    {
        var answer = await api.RefusedAsync("HTTP/1.1 400 ", api.Post(path, "", body.Length) + body);

        Assert.Contains(expected, answer, StringComparison.Ordinal);
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
