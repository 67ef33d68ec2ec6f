using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Tenants;

/// <summary>Tenants, by their ids.</summary>
internal sealed class TenantStore(BucketStore<TenantRecord> store)
{
    /// <summary>In the order of their ids.</summary>
    public IEnumerable<TenantRecord> All => store.All.Select(entry => entry.Value).OrderBy(tenant => tenant.Id.ToString(), StringComparer.Ordinal);

    public TenantRecord? Find(TenantId tenant) => store.Find(tenant.ToString());

    /// <summary>False when there is a tenant of this id already, which stays as it is.</summary>
    public Task<bool> TryCreateAsync(TenantRecord tenant, CancellationToken cancellationToken) => store.TryCreateAsync(tenant.Id.ToString(), tenant, cancellationToken);

    /// <summary>The tenant as it is after the change; null when there is none.</summary>
    public Task<TenantRecord?> ChangeAsync(TenantId tenant, Func<TenantRecord, TenantRecord> change, CancellationToken cancellationToken) =>
        store.ChangeAsync(tenant.ToString(), change, cancellationToken);
}
