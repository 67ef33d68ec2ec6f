using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Edge;

/// <summary>
/// Ids and bodies that nobody foresaw, on every route that takes them, with a key that may do everything: no answer is a fault, each refusal is a problem, and one
/// that was refused has stored nothing. <c>KGENTS_FUZZ</c> multiplies the cases.
/// </summary>
[TakesSeconds(26)]
public sealed partial class FuzzTests(FuzzTests.Target target) : IClassFixture<FuzzTests.Target>
{
    private static readonly int Times = int.Parse(Environment.GetEnvironmentVariable("KGENTS_FUZZ") ?? "1", CultureInfo.InvariantCulture);

    private readonly KgentsHost host = target.Host;
    private readonly string session = target.Session;
    private readonly string[] routes =
    [
        .. target.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/v1", StringComparison.Ordinal))
            .Select(endpoint => $"{endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Single()} {endpoint.RoutePattern.RawText!.TrimEnd('/')}"),
    ];

    [Fact(Timeout = Limits.Test)]
    public async Task Ids_ThatAreNone_AreRefused()
    {
        var withIds = routes.Where(route => Parameter.IsMatch(route)).ToArray();
        Assert.True(withIds.Length >= 24);
        var before = await StoredState.ReadAsync(host);
        var lookalikes = Gen.OneOf($"{session}.", $"{session}.user", $"{session}*", $"{session}>", $"{session}\n", session.ToUpperInvariant(), session[..^1], $"{session}0");
        var known = Gen.OneOf("a.b", "*", ">", "s.>", "s*-*", "..", ".", "../..", "%2e%2e%2f", "%2e", "%2E%2E", "%2f..%2f", " ", "\t", "\r\n", "a\r\nX-Evil: 1", "\0", "k-", "t-", "_beat", "_tickets", "\uFEFF", "ｓ1", "é", "😀", "-1", "null", "$KV.x", new string('a', 2_000), new string('/', 50));
        var ids = Gen.Frequency((3, known), (2, lookalikes), (4, Gen.String[Gen.Char, 1, 50]), (2, Gen.String[Gen.Char.AlphaNumeric, 1, 60]), (1, Gen.String[Gen.OneOf('.', '*', '>', '/', '\\', '%', ' ', '-', 's', 't', '0'), 1, 40]));

        await ids.Select(Gen.OneOf(withIds), Gen.Int[0, 7]).SampleAsync(
            async (id, route, which) =>
            {
                // One of the ids is the strange one, or all; the others are of the right form, and of nobody.
                var place = 0;
                var path = Parameter.Replace(route, parameter => (which >> place++ & 1) == 1 || which == 0 ? Escaped(id) : SomebodysId(parameter.Value));

                // Kestrel takes dots out of a path before it is routed, so it may be that of a list.
                await RefusedAsync(path, null, succeeds: route.StartsWith("GET", StringComparison.Ordinal) && Dots.IsMatch(id));
            },
            iter: 12_000 * Times,
            threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Queries_AndHeaders_ThatAreNone_AreRefused()
    {
        var before = await StoredState.ReadAsync(host);
        string[] paths = ["GET /v1/kgent/sessions?limit={0}", "GET /v1/kgent/sessions?cursor={0}", $"GET /v1/kgent/sessions/{session}/messages?cursor={{0}}", "GET /v1/admin/tenants?cursor={0}", $"GET /v1/kgent/sessions/{session}/events?after=x{{0}}", $"GET /v1/webhooks/{target.Webhook}/deliveries?cursor={{0}}"];

        await Gen.String[Gen.Char, 0, 40].Select(Gen.OneOf(paths)).SampleAsync(
            (text, path) => RefusedAsync(string.Format(CultureInfo.InvariantCulture, path, Uri.EscapeDataString(Whole(text))), null, succeeds: true), iter: 2_000 * Times, threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Bodies_ThatAreNotWhatIsAskedFor_AreRefused()
    {
        var withBodies = routes.Where(route => (route.StartsWith("POST", StringComparison.Ordinal) || route.StartsWith("PATCH", StringComparison.Ordinal))
            && !route.EndsWith("/cancel", StringComparison.Ordinal) && !route.EndsWith("/ticket", StringComparison.Ordinal)
            && !route.EndsWith("/test", StringComparison.Ordinal) && !route.EndsWith("/redeliver", StringComparison.Ordinal)).ToArray();
        Assert.Equal(19, withBodies.Length);
        var before = await StoredState.ReadAsync(host);

        // Every object has a field that no request has, and everything else is of a wrong type or no JSON. No body at all is a request of its own: that a session may be made by.
        var bodies = Gen.Frequency((6, Json.Select(Encoding.UTF8.GetBytes)), (2, Gen.Byte.Array[1, 200].Where(bytes => !IsJson(bytes))), (1, Json.Select(json => Encoding.UTF8.GetBytes(json)[..^1]).Where(bytes => bytes.Length > 0 && !IsJson(bytes))));

        await bodies.Select(Gen.OneOf(withBodies)).SampleAsync(
            (body, route) => RefusedAsync(Parameter.Replace(route, parameter => parameter.Value == "{sessionId}" ? session : parameter.Value == "{tenantId}" ? "default" : SomebodysId(parameter.Value)), body, succeeds: false),
            iter: 12_000 * Times,
            threads: 4);

        Assert.Equal(before, await StoredState.ReadAsync(host));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Fields_OfAnyValue_AreTakenOrRefused_AndNeverAFault()
    {
        string[] names = ["title", "metadata", "mode", "model", "budget", "eigenvectors", "message", "stream", "on_busy", "on_disconnect", "prompt", "action", "context", "id", "name", "status", "plan", "settings", "scopes", "expires_at", "requests_per_minute", "requests_per_day", "url", "events", "description", "enabled", "overlap_hours"];
        var values = Gen.Frequency((3, Value(2)), (2, Gen.OneOf("\"reflect\"", "\"deep\"", "\"read\"", "[\"read\",null]", "null", "\"\"", "\" \"", "\"a.b\"", "\">\"", "1e400", "-0", "9223372036854775807", "\"9999-12-31T23:59:59Z\"", "\"0001-01-01T00:00:00+14:00\"", "\"\\ud800\"", "{\"a\":null}", "{\"warmth\":2}", "{\"severity\":\"x\"}", "{\"reason\":7,\"severity\":null}", "\"paused\"", "\"https://example.com/\"", "\"https://[\"", "[\"usage.limit.reset\",null]")));
        var withBodies = new[] { "POST /v1/kgent/sessions", $"PATCH /v1/kgent/sessions/{session}", "POST /v1/keys", "POST /v1/admin/tenants", "PATCH /v1/admin/tenants/other", $"PATCH /v1/admin/tenants/other/keys/{target.OtherKey}", "POST /v1/soul/dialogue", "POST /v1/soul/governance", "POST /v1/webhooks", $"PATCH /v1/webhooks/{target.Webhook}", $"POST /v1/webhooks/{target.Webhook}/rotate", $"POST /v1/kgent/sessions/{session}/messages" };
        var fields = Gen.OneOf(names).Select(values, (name, value) => $"\"{name}\":{value}");

        // What a question or message would wait for is a worker, and there is none: so each has a field that is refused.
        await fields.Array[0, 4].Select(Gen.OneOf(withBodies)).SampleAsync(
            (each, route) => RefusedAsync(route, Encoding.UTF8.GetBytes($"{{{string.Join(',', route.Contains("soul", StringComparison.Ordinal) || route.Contains("messages", StringComparison.Ordinal) ? each.Append("\"mode\":\"none such\"") : each)}}}"), succeeds: true),
            iter: 8_000 * Times,
            threads: 4);
    }

    private static Gen<string> Json => Gen.Frequency(
        (4, Value(3).Select(value => $"{{\"no_such_field\":{value}}}")),
        (2, Value(3).Array[0, 5].Select(values => $"[{string.Join(',', values)}]")),
        (1, Gen.Int[65, 2_000].Select(depth => new string('[', depth) + new string(']', depth))),
        (1, Gen.Double.Select(number => JsonSerializer.Serialize(double.IsFinite(number) ? number : 0))),
        (1, Gen.String.Select(text => JsonSerializer.Serialize(Whole(text)))));

    private static Gen<string> Value(int depth)
    {
        var leaf = Gen.OneOf(Gen.String.Select(text => JsonSerializer.Serialize(Whole(text))), Gen.Int.Select(number => number.ToString(CultureInfo.InvariantCulture)), Gen.OneOf("true", "false", "null", "1.5e300"));
        return depth == 0 ? leaf : Gen.Frequency(
            (3, leaf),
            (1, Value(depth - 1).Array[0, 4].Select(values => $"[{string.Join(',', values)}]")),
            (1, Gen.String[Gen.Char.AlphaNumeric, 0, 8].Select(Value(depth - 1), (name, value) => $"{{\"{name}\":{value}}}").Array[0, 4].Select(values => values.Length == 0 ? "{}" : values[0])));
    }

    private static bool IsJson(byte[] bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Half a surrogate pair cannot be sent.</summary>
    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>As it is when it is escaped already.</summary>
    private static string Escaped(string id) => id[0] == '%' && Dots.IsMatch(id) ? id : Uri.EscapeDataString(Whole(id));

    private static string SomebodysId(string parameter) => parameter switch
    {
        "{sessionId}" => "s0-0123456789abcdef0123456789abcdef",
        "{turnId}" => "t-0123456789abcdef0123456789abcdef",
        "{keyId}" => "k-0123456789abcdef0123456789abcdef",
        "{webhookId}" => "w-0123456789abcdef0123456789abcdef",
        "{deliveryId}" => "e-0123456789abcdef0123456789abcdef",
        _ => "nobody",
    };

    private async Task RefusedAsync(string route, byte[]? body, bool succeeds)
    {
        var (method, path) = (route.Split(' ', 2)[0], route.Split(' ', 2)[1]);

        // The path as it is: Uri would take "..", and some of what is escaped, away.
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(host.Client.BaseAddress! + path[1..], new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        request.Content = new ByteArrayContent(body ?? (method is "POST" or "PATCH" ? "{}"u8.ToArray() : []));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        var status = (int)response.StatusCode;
        var asked = $"{status}: {method} {path} {(body is null ? "" : Encoding.UTF8.GetString(body))}";

        // There is no metering here, which a sequence that happens to be a number is asked of.
        Assert.True((status is >= 200 and < 500 && (succeeds || status >= 400)) || (status == 503 && path.StartsWith("/v1/admin/dead-letters/", StringComparison.Ordinal)), asked);
        // A path with a NUL is none to Kestrel, which says so itself.
        if (status >= 400 && !path.Contains("%00", StringComparison.Ordinal))
        {
            Assert.True(response.Content.Headers.ContentType?.MediaType == "application/problem+json", asked);
        }
    }

    /// <summary>One host for all that is sent.</summary>
    public sealed class Target : IAsyncLifetime
    {
        private NatsServer nats = null!;

        internal KgentsHost Host { get; private set; } = null!;

        internal string Session { get; private set; } = null!;

        /// <summary>Of the tenant <c>other</c>.</summary>
        internal string OtherKey { get; private set; } = null!;

        internal string Webhook { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
            Host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
            Session = await Host.Client.CreateSessionAsync();
            using var created = await Host.Client.PostAsJsonAsync("/v1/webhooks", new { url = "https://example.com/hook" }, TestContext.Current.CancellationToken);
            Webhook = (await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
            OtherKey = (await Host.NewKeyAsync("other")).GetProperty("id").GetString()!;
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await nats.DisposeAsync();
        }
    }

    [GeneratedRegex(@"^(\.|/|%2e|%2f)+$", RegexOptions.IgnoreCase)]
    private static partial Regex Dots { get; }

    [GeneratedRegex(@"\{[a-zA-Z]+\}")]
    private static partial Regex Parameter { get; }
}
