using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Systems;

internal static class Tenants
{
    /// <summary>A tenant that no other test uses, and a client with a key of it.</summary>
    public static async Task<(string Tenant, KgentsClient Client)> NewTenantAsync(this KgentsSystem system)
    {
        var tenant = $"tenant-{Guid.NewGuid():n}"[..20];
        var key = ApiKey.New();
        await system.Store.AddKeyAsync(key, tenant);
        return (tenant, system.Connect(key.Text));
    }
}
