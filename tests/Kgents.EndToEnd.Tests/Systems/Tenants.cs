using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Systems;

internal static class Tenants
{
    /// <summary>A tenant that no other test uses, and a client with a key of it, made as the operator makes them.</summary>
    public static async Task<(string Tenant, KgentsClient Client)> NewTenantAsync(this KgentsSystem system)
    {
        var tenant = $"tenant-{Guid.NewGuid():n}"[..20];
        using var created = await system.Client.Http.PostAsJsonAsync("/v1/admin/tenants", new { id = tenant, name = tenant }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        using var key = await system.Client.Http.PostAsJsonAsync($"/v1/admin/tenants/{tenant}/keys", new { name = "end-to-end" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, key.StatusCode);
        return (tenant, system.Connect((await key.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).Text("key")));
    }
}
