using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Access;

/// <summary>Who may call each endpoint: one row for each, and an endpoint without a row fails.</summary>
public sealed class EndpointAccessTests : IAsyncLifetime
{
    private static readonly string[] Scopes = ["read", "write", "admin", "billing"];

    private static readonly Row[] Rows =
    [
        new("POST", "/v1/kgent/sessions", "write"),
        new("GET", "/v1/kgent/sessions", "read"),
        new("GET", "/v1/kgent/sessions/{sessionId}", "read"),
        new("PATCH", "/v1/kgent/sessions/{sessionId}", "write"),
        new("DELETE", "/v1/kgent/sessions/{sessionId}", "write", Destroys: true),
        new("GET", "/v1/kgent/sessions/{sessionId}/events", "read"),
        new("POST", "/v1/kgent/sessions/{sessionId}/messages", "write"),
        new("GET", "/v1/kgent/sessions/{sessionId}/messages", "read"),
        new("GET", "/v1/kgent/sessions/{sessionId}/turns/{turnId}", "read"),
        new("GET", "/v1/kgent/sessions/{sessionId}/turns/{turnId}/events", "read"),
        new("POST", "/v1/kgent/sessions/{sessionId}/turns/{turnId}/ticket", "read"),
        new("POST", "/v1/kgent/sessions/{sessionId}/turns/{turnId}/cancel", "write"),
        new("POST", "/v1/soul/dialogue", "write"),
        new("POST", "/v1/soul/governance", "write"),
        new("GET", "/v1/agentese/paths", "read"),
        new("GET", "/v1/agentese/resolve", "read"),
        new("GET", "/v1/agentese/affordances", "read"),
        new("POST", "/v1/agentese/invoke", "read"),
        new("POST", "/v1/agentese/compose", "read"),
        new("GET", "/v1/usage", "billing"),
        new("GET", "/v1/usage/focus", "billing"),
        new("GET", "/v1/usage/reconciliation", "billing"),
        new("POST", "/v1/webhooks", "admin"),
        new("GET", "/v1/webhooks", "admin"),
        new("GET", "/v1/webhooks/{webhookId}", "admin"),
        new("PATCH", "/v1/webhooks/{webhookId}", "admin"),
        new("DELETE", "/v1/webhooks/{webhookId}", "admin"),
        new("POST", "/v1/webhooks/{webhookId}/rotate", "admin"),
        new("POST", "/v1/webhooks/{webhookId}/test", "admin"),
        new("GET", "/v1/webhooks/{webhookId}/deliveries", "admin"),
        new("POST", "/v1/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver", "admin"),
        new("POST", "/v1/keys", "admin"),
        new("GET", "/v1/keys", "admin"),
        new("PATCH", "/v1/keys/{keyId}", "admin"),
        new("DELETE", "/v1/keys/{keyId}", "admin"),
        new("POST", "/v1/admin/tenants", "admin", OfOperator: true),
        new("GET", "/v1/admin/tenants", "admin", OfOperator: true),
        new("GET", "/v1/admin/tenants/{tenantId}", "admin", OfOperator: true),
        new("PATCH", "/v1/admin/tenants/{tenantId}", "admin", OfOperator: true),
        new("POST", "/v1/admin/tenants/{tenantId}/keys", "admin", OfOperator: true),
        new("GET", "/v1/admin/tenants/{tenantId}/keys", "admin", OfOperator: true),
        new("PATCH", "/v1/admin/tenants/{tenantId}/keys/{keyId}", "admin", OfOperator: true),
        new("DELETE", "/v1/admin/tenants/{tenantId}/keys/{keyId}", "admin", OfOperator: true),
        new("GET", "/v1/admin/dead-letters", "admin", OfOperator: true),
        new("GET", "/v1/admin/dead-letters/{sequence}", "admin", OfOperator: true),
        new("POST", "/v1/admin/dead-letters/{sequence}/replay", "admin", OfOperator: true),
        new("POST", "/v1/admin/dead-letters/{sequence}/discard", "admin", OfOperator: true),
        new("POST", "/v1/admin/usage/{sequence}/corrections", "admin", OfOperator: true),
    ];

    private readonly List<HttpClient> clients = [];
    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Metering);
    }

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(client => client.Dispose());
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryEndpoint_HasARow()
    {
        var routes = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/v1", StringComparison.Ordinal))
            .Select(endpoint => $"{endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Single()} {endpoint.RoutePattern.RawText!.TrimEnd('/')}");

        Assert.Equivalent(routes, Rows.Select(row => $"{row.Method} {row.Path}"), strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EveryEndpoint_AsksForItsScope_AndForATenantThatMayUseTheService()
    {
        var anonymous = Keep(host.ClientWith(null));
        var keys = new Dictionary<string, HttpClient>();
        var paused = new Dictionary<string, HttpClient>();
        foreach (var scope in Scopes)
        {
            keys[scope] = Keep(await host.NewClientAsync("acme", scope));
            paused[scope] = Keep(await host.NewClientAsync("slow-payer", scope));
        }

        var writing = Keep(await host.NewClientAsync("acme", "write", "read"));
        var session = await writing.CreateSessionAsync();
        var stranger = Keep(await host.NewClientAsync("stranger", "read", "write", "admin", "billing"));
        using var pausing = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/slow-payer", new { status = "paused" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, pausing.StatusCode);

        foreach (var row in Rows)
        {
            Assert.Equal((row.Name, 401, "unauthorized"), await AskAsync(anonymous, row, session));
            foreach (var scope in Scopes.Except([row.Scope]))
            {
                Assert.Equal((row.Name, 403, $"scope-missing {row.Scope}"), await AskAsync(keys[scope], row, session));
            }

            Assert.Equal((row.Name, 403, "tenant-not-active paused"), await AskAsync(paused[row.Scope], row, session));
            if (row.OfOperator)
            {
                Assert.Equal((row.Name, 403, "operator-only"), await AskAsync(keys[row.Scope], row, session));
            }

            var (_, allowed, _) = await AskAsync(row.OfOperator ? host.Client : keys[row.Scope], row, row.Destroys ? await writing.CreateSessionAsync() : session);
            Assert.True(allowed is not (401 or 403 or >= 500), $"{row.Name}: {allowed}");

            // What is another tenant's is not there, whatever else is wrong with the request.
            if (row.Path.Contains("{sessionId}", StringComparison.Ordinal))
            {
                Assert.Equal((row.Name, 404, "session-not-found"), await AskAsync(stranger, row, session));
            }
        }
    }

    private static async Task<(string Row, int Status, string Problem)> AskAsync(HttpClient client, Row row, string session)
    {
        var path = row.Path.Replace("{sessionId}", session, StringComparison.Ordinal)
            .Replace("{turnId}", "t-0123456789abcdef0123456789abcdef", StringComparison.Ordinal)
            .Replace("{keyId}", "k-0123456789abcdef0123456789abcdef", StringComparison.Ordinal)
            .Replace("{webhookId}", "w-0123456789abcdef0123456789abcdef", StringComparison.Ordinal)
            .Replace("{deliveryId}", "e-0123456789abcdef0123456789abcdef", StringComparison.Ordinal)
            .Replace("{tenantId}", "acme", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(row.Method), path);
        request.Content = row.Method is "POST" or "PATCH" && !path.EndsWith("/cancel", StringComparison.Ordinal)
            ? new StringContent(path.EndsWith("/messages", StringComparison.Ordinal) ? """{"message":"x","on_busy":"reject"}""" : "{}", Encoding.UTF8, "application/json")
            : null;
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return (row.Name, (int)response.StatusCode, "");
        }

        var problem = JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var detail = problem.TryGetProperty("scope", out var scope) ? $" {scope}" : problem.TryGetProperty("tenant_status", out var status) ? $" {status}" : "";
        return (row.Name, (int)response.StatusCode, problem.GetProperty("type").GetString()!["urn:kgents:problem:".Length..] + detail);
    }

    private HttpClient Keep(HttpClient client)
    {
        clients.Add(client);
        return client;
    }

    private sealed record Row(string Method, string Path, string Scope, bool OfOperator = false, bool Destroys = false)
    {
        public string Name => $"{Method} {Path}";
    }
}
