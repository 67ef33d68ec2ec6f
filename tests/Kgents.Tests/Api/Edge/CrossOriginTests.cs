using System.Net;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Edge;

/// <summary>A web page may call the API when its origin is listed; by default none may.</summary>
public sealed class CrossOriginTests : IAsyncLifetime
{
    private const string App = "https://app.example.com";
    private const string Sessions = "/v1/kgent/sessions";

    private NatsServer nats = null!;

    public async ValueTask InitializeAsync() => nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => nats.DisposeAsync();

    [Fact(Timeout = Limits.Test)]
    public async Task Preflight_IsAnsweredWithoutAKey_ToListedOriginsOnly()
    {
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Api:Cors:Origins", $"{App}, http://localhost:3000"));

        var listed = await AskAsync(host, HttpMethod.Options, App, "POST");
        Assert.Equal((HttpStatusCode.NoContent, App), (listed.Status, listed.Headers["Access-Control-Allow-Origin"]));
        Assert.Equal("GET,POST,PATCH,DELETE", listed.Headers["Access-Control-Allow-Methods"]);
        Assert.Equal("Authorization,X-API-Key,Content-Type,Idempotency-Key,Last-Event-ID", listed.Headers["Access-Control-Allow-Headers"]);
        Assert.Equal("600", listed.Headers["Access-Control-Max-Age"]);
        Assert.DoesNotContain("Access-Control-Allow-Credentials", listed.Headers.Keys);
        Assert.Equal("http://localhost:3000", (await AskAsync(host, HttpMethod.Options, "http://localhost:3000", "PATCH")).Headers["Access-Control-Allow-Origin"]);

        foreach (var stranger in new[] { "https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null" })
        {
            Assert.DoesNotContain((await AskAsync(host, HttpMethod.Options, stranger, "POST")).Headers.Keys, name => name.StartsWith("Access-Control", StringComparison.Ordinal));
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Answer_CanBeReadByAListedOrigin_AlsoAProblemAndAStream()
    {
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Api:Cors:Origins", App));
        var session = await host.Client.CreateSessionAsync();
        using var anonymous = host.ClientWith(null);

        foreach (var answer in new[]
        {
            await AskAsync(host, HttpMethod.Get, App),
            await AskAsync(host, HttpMethod.Get, App, client: anonymous),
            await AskAsync(host, HttpMethod.Get, App, path: $"{Sessions}/{session}/events"),
            await AskAsync(host, HttpMethod.Post, App, path: "/v1/keys"),
        })
        {
            Assert.Equal(App, answer.Headers["Access-Control-Allow-Origin"]);
            Assert.Equal(
                "Content-Location,Location,Idempotency-Replayed,Retry-After,RateLimit,RateLimit-Policy,X-RateLimit-Limit,X-RateLimit-Remaining,X-RateLimit-Reset",
                answer.Headers["Access-Control-Expose-Headers"]);
        }

        Assert.DoesNotContain((await AskAsync(host, HttpMethod.Get, "https://evil.example.com")).Headers.Keys, name => name.StartsWith("Access-Control", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NoOrigin_IsListed_ByDefault()
    {
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api);

        var preflight = await AskAsync(host, HttpMethod.Options, App, "POST");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, preflight.Status);
        Assert.DoesNotContain(preflight.Headers.Keys, name => name.StartsWith("Access-Control", StringComparison.Ordinal));
        Assert.DoesNotContain((await AskAsync(host, HttpMethod.Get, App)).Headers.Keys, name => name.StartsWith("Access-Control", StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("*")]
    [InlineData("https://*.example.com")]
    [InlineData("app.example.com")]
    [InlineData("https://app.example.com/")]
    [InlineData("https://app.example.com,*")]
    public async Task Origins_ThatAreNone_AreRefusedAtTheStart(string origins)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => KgentsHost.StartAsync(nats.Url, Parts.Api, ("Api:Cors:Origins", origins)));

        Assert.Contains("Api:Cors:Origins", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<(HttpStatusCode Status, Dictionary<string, string> Headers)> AskAsync(
        KgentsHost host, HttpMethod method, string origin, string? preflightFor = null, string path = Sessions, HttpClient? client = null)
    {
        using var anonymous = host.ClientWith(null);
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Headers.Add("Origin", origin);
        if (preflightFor is not null)
        {
            request.Headers.Add("Access-Control-Request-Method", preflightFor);
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,last-event-id");
        }

        using var response = await (client ?? (preflightFor is null ? host.Client : anonymous)).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return (response.StatusCode, response.Headers.NonValidated.ToDictionary(header => header.Key, header => header.Value.ToString()));
    }
}
