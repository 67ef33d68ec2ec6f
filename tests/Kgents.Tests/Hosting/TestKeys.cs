using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Kgents.Tests.Hosting;

/// <summary>Tenants and keys, made as the operator makes them.</summary>
internal static class TestKeys
{
    /// <summary>A new key of a tenant, which is created if there is none.</summary>
    public static async Task<JsonElement> NewKeyAsync(this KgentsHost host, string tenant, params string[] scopes)
    {
        using var created = await host.Client.PostAsJsonAsync("/v1/admin/tenants", new { id = tenant, name = tenant }, TestContext.Current.CancellationToken);
        Assert.True(created.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict);

        using var key = await host.Client.PostAsJsonAsync(
            $"/v1/admin/tenants/{tenant}/keys", new { name = "test", scopes = scopes.Length == 0 ? ["read", "write"] : scopes }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, key.StatusCode);
        return await key.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }

    /// <summary>A client with a new key of a tenant.</summary>
    public static async Task<HttpClient> NewClientAsync(this KgentsHost host, string tenant, params string[] scopes) =>
        host.ClientWith((await host.NewKeyAsync(tenant, scopes)).GetProperty("key").GetString());

    /// <summary>Creates a tenant with a plan.</summary>
    public static Task<HttpResponseMessage> CreateTenantAsync(this HttpClient client, string tenant, string plan) =>
        client.PostAsJsonAsync("/v1/admin/tenants", new { id = tenant, name = tenant, plan }, TestContext.Current.CancellationToken);

    /// <summary>A client with this key, or none.</summary>
    public static HttpClient ClientWith(this KgentsHost host, string? key)
    {
        var client = new HttpClient { BaseAddress = host.Client.BaseAddress, Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return client;
    }
}
