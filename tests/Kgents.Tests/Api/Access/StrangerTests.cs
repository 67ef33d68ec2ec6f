using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

/// <summary>What is another tenant's is like what is nobody's: the same answer, and the same work for it, so that neither it nor its time tells that it is there.</summary>
public sealed class StrangerTests(StrangerTests.Target target) : IClassFixture<StrangerTests.Target>
{
    [Theory(Timeout = Limits.Test)]
    [InlineData("GET", "/v1/kgent/sessions/{session}", null)]
    [InlineData("PATCH", "/v1/kgent/sessions/{session}", """{"title":"mine"}""")]
    [InlineData("DELETE", "/v1/kgent/sessions/{session}", null)]
    [InlineData("GET", "/v1/kgent/sessions/{session}/events", null)]
    [InlineData("GET", "/v1/kgent/sessions/{session}/messages", null)]
    [InlineData("POST", "/v1/kgent/sessions/{session}/messages", """{"message":"hello"}""")]
    [InlineData("GET", "/v1/kgent/sessions/{session}/turns/{turn}", null)]
    [InlineData("GET", "/v1/kgent/sessions/{session}/turns/{turn}/events", null)]
    [InlineData("POST", "/v1/kgent/sessions/{session}/turns/{turn}/ticket", null)]
    [InlineData("POST", "/v1/kgent/sessions/{session}/turns/{turn}/cancel", null)]
    [InlineData("PATCH", "/v1/keys/{key}", """{"name":"mine"}""")]
    [InlineData("DELETE", "/v1/keys/{key}", null)]
    [InlineData("GET", "/v1/webhooks/{webhook}", null)]
    [InlineData("PATCH", "/v1/webhooks/{webhook}", """{"description":"mine"}""")]
    [InlineData("DELETE", "/v1/webhooks/{webhook}", null)]
    [InlineData("POST", "/v1/webhooks/{webhook}/rotate", null)]
    [InlineData("POST", "/v1/webhooks/{webhook}/test", null)]
    [InlineData("GET", "/v1/webhooks/{webhook}/deliveries", null)]
    public async Task Theirs_IsLikeNobodys(string method, string path, string? body)
    {
        var theirs = await AskAsync(method, path.Replace("{session}", target.Session, StringComparison.Ordinal).Replace("{turn}", target.Turn, StringComparison.Ordinal).Replace("{key}", target.Key, StringComparison.Ordinal).Replace("{webhook}", target.Webhook, StringComparison.Ordinal), body);
        var nobodys = await AskAsync(method, path.Replace("{session}", "s0-0123456789abcdef0123456789abcdef", StringComparison.Ordinal).Replace("{turn}", "t-0123456789abcdef0123456789abcdef", StringComparison.Ordinal)
            .Replace("{key}", "k-0123456789abcdef0123456789abcdef", StringComparison.Ordinal).Replace("{webhook}", "w-0123456789abcdef0123456789abcdef", StringComparison.Ordinal), body);

        Assert.StartsWith("404", theirs.Answer, StringComparison.Ordinal);
        Assert.Equal(nobodys, theirs);
    }

    /// <summary>The answer, but for what is each request's own, and what NATS was asked for it.</summary>
    private async Task<(string Answer, string Asked)> AskAsync(string method, string path, string? body)
    {
        var before = target.Proxy.PublishedSubjects.Count;
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await target.Stranger.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var asked = target.Proxy.PublishedSubjects.Skip(before).Where(subject => IsAsked(subject));
        return ($"{(int)response.StatusCode} {string.Join(' ', problem.EnumerateObject().Where(member => member.Name != "trace_id"))}", string.Join('\n', asked));
    }

    /// <summary>By the request, and not by what goes on besides.</summary>
    private static bool IsAsked(string subject) =>
        !subject.Contains("._", StringComparison.Ordinal)
        && (subject.StartsWith("$JS.API.STREAM.MSG.GET.", StringComparison.Ordinal) || subject.StartsWith("$JS.API.DIRECT.GET.", StringComparison.Ordinal)
            || subject.StartsWith("$KV.", StringComparison.Ordinal) || subject.StartsWith("kgents.", StringComparison.Ordinal))
        && !subject.EndsWith(Streams.Tokens.Name, StringComparison.Ordinal) && !subject.EndsWith(Buckets.Deletions, StringComparison.Ordinal);

    /// <summary>One host for all: nothing of what is asked changes it.</summary>
    public sealed class Target : IAsyncLifetime
    {
        private NatsServer nats = null!;
        private KgentsHost host = null!;

        internal NatsProxy Proxy { get; private set; } = null!;

        internal HttpClient Stranger { get; private set; } = null!;

        internal string Session { get; private set; } = null!;

        internal string Turn { get; private set; } = null!;

        internal string Key { get; private set; } = null!;

        internal string Webhook { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
            Proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
            host = await KgentsHost.StartAsync(Proxy.Url, Parts.Api | Parts.Streaming, ("Webhooks:AllowHttp", "true"));
            Stranger = await host.NewClientAsync("stranger", "read", "write", "admin", "billing");
            var created = await host.NewKeyAsync("acme", "read", "write", "admin");
            Key = created.GetProperty("id").GetString()!;
            using var owner = host.ClientWith(created.GetProperty("key").GetString());
            Session = await owner.CreateSessionAsync();
            Turn = new Hosting.Turn(await owner.SayAsync(Session, "hello")).Id.ToString();
            using var hook = await owner.PostAsJsonAsync("/v1/webhooks", new { url = "http://192.0.2.1/", events = new[] { "usage.threshold.reached" } }, TestContext.Current.CancellationToken);
            Webhook = (await hook.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        }

        public async ValueTask DisposeAsync()
        {
            Stranger.Dispose();
            await host.DisposeAsync();
            await Proxy.DisposeAsync();
            await nats.DisposeAsync();
        }
    }
}
