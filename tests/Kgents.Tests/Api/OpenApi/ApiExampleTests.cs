using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>What the document shows and announces is what the API takes and answers. Each test changes what the API has, so each has an API of its own.</summary>
public sealed class ApiExampleTests : IAsyncLifetime
{
    private readonly ApiDocument document = new();

    public ValueTask InitializeAsync() => document.InitializeAsync();

    public ValueTask DisposeAsync() => document.DisposeAsync();

    [Fact(Timeout = Limits.Test)]
    public async Task EveryExample_IsAccepted()
    {
        var session = await document.Host.Client.CreateSessionAsync();
        using var creating = await document.Host.Client.PostAsJsonAsync("/v1/keys", new { name = "for the examples" }, TestContext.Current.CancellationToken);
        var key = (await creating.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        using var tenant = await document.Host.Client.PostAsJsonAsync("/v1/admin/tenants", new { id = "acme", name = "Acme" }, TestContext.Current.CancellationToken);
        var own = (await document.Host.Client.GetFromJsonAsync<JsonElement>("/v1/keys", TestContext.Current.CancellationToken)).GetProperty("keys")[0].GetProperty("tenant_id").GetString()!;

        using var hooking = await document.Host.Client.PostAsJsonAsync("/v1/webhooks", new { url = "https://example.com/hook" }, TestContext.Current.CancellationToken);
        var webhook = (await hooking.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;

        // Those that change come last: an archived session takes no message.
        foreach (var operation in document.Operations.Where(operation => operation.Json.TryGetProperty("requestBody", out _)).OrderBy(operation => operation.Name.StartsWith("PATCH", StringComparison.Ordinal)))
        {
            var ofKey = operation.Path.Contains("{keyId}", StringComparison.Ordinal);
            var path = operation.Path.Replace("{sessionId}", session, StringComparison.Ordinal).Replace("{keyId}", key, StringComparison.Ordinal).Replace("{tenantId}", ofKey ? own : "acme", StringComparison.Ordinal)
                .Replace("{webhookId}", webhook, StringComparison.Ordinal);
            using var request = new HttpRequestMessage(new HttpMethod(operation.Name.Split(' ')[0]), path)
            {
                Content = JsonContent.Create(operation.Json.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example")),
            };
            using var response = await document.Host.Client.SendAsync(request, TestContext.Current.CancellationToken);

            // There is no usage event, which is found out after the body was read.
            var isWithoutEvent = operation.Path.Contains("{sequence}", StringComparison.Ordinal) && response.StatusCode == HttpStatusCode.NotFound;
            Assert.True(response.IsSuccessStatusCode || isWithoutEvent, $"{operation.Name}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryRefusal_IsAmongThoseOfItsOperation()
    {
        const string Unknown = "0123456789abcdef0123456789abcdef";
        var session = await document.Host.Client.CreateSessionAsync();
        (string Session, string Turn, string Key, string Tenant)[] ids =
            [("a.b", "a.b", "a.b", "A.b"), ($"s0-{Unknown}", $"t-{Unknown}", $"k-{Unknown}", "nobody"), (session, "a.b", $"k-{Unknown}", "default"), (session, $"t-{Unknown}", $"k-{Unknown}", "default")];
        (string Text, string Type)[] bodies =
            [("{", "application/json"), ("""{"no_such_field":1}""", "application/json"), ("{}", "text/plain"), (new string(' ', 65 * 1024), "application/json"), ("""{"budget":"none","scopes":[],"name":"","status":""}""", "application/json"), ("{}", "application/json")];
        using var hooking = await document.Host.Client.PostAsJsonAsync("/v1/webhooks", new { url = "https://example.com/hook" }, TestContext.Current.CancellationToken);
        var webhook = (await hooking.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
        var refusals = new HashSet<string>();

        // The session is deleted last.
        foreach (var operation in document.Operations.Where(operation => operation.Path.StartsWith("/v1", StringComparison.Ordinal)).OrderBy(operation => operation.Name.StartsWith("DELETE", StringComparison.Ordinal)))
        {
            foreach (var (path, body) in ids.Select(id => operation.Path.Replace("{sessionId}", id.Session, StringComparison.Ordinal).Replace("{turnId}", id.Turn, StringComparison.Ordinal)
                .Replace("{keyId}", id.Key, StringComparison.Ordinal).Replace("{tenantId}", id.Tenant, StringComparison.Ordinal)
                .Replace("{webhookId}", id.Session == session ? webhook : "w-" + id.Turn[2..], StringComparison.Ordinal).Replace("{deliveryId}", "e-" + id.Turn[2..], StringComparison.Ordinal)).Distinct().SelectMany(_ => bodies, (path, body) => (path, body)))
            {
                using var request = new HttpRequestMessage(new HttpMethod(operation.Name.Split(' ')[0]), $"{path}?limit=0&after=x&status=x")
                {
                    Content = operation.Json.TryGetProperty("requestBody", out _) ? new StringContent(body.Text, Encoding.UTF8, body.Type) : null,
                };
                using var response = await document.Host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                if (response.IsSuccessStatusCode)
                {
                    continue;
                }

                var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
                var type = problem.GetProperty("type").GetString();
                Assert.True(
                    operation.Json.GetProperty("responses").TryGetProperty($"{(int)response.StatusCode}", out var described)
                        && described.GetProperty("content").GetProperty("application/problem+json").GetProperty("examples").EnumerateObject().Any(example => example.Value.GetProperty("value").GetProperty("type").GetString() == type),
                    $"{operation.Name}: {problem}");
                refusals.Add($"{(int)response.StatusCode} {type!.Split(':')[^1]}");
            }
        }

        Assert.Equivalent(
            new[] { "400 agentese-syntax", "400 invalid-request", "404 key-not-found", "404 session-not-found", "404 tenant-not-found", "404 turn-not-found", "404 delivery-not-found", "404 webhook-not-found", "404 usage-event-not-found", "413 too-large", "415 not-json", "422 invalid-request" }, refusals, strict: true);
    }
}
