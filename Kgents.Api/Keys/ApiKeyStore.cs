using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Keys;

/// <summary>API keys, by their hash. The keys themselves are nowhere.</summary>
internal sealed class ApiKeyStore(BucketStore<ApiKeyRecord> store)
{
    /// <summary>
    /// The record of a key. What is looked up is the SHA-256 of what the client sent: how long that takes tells something of the hash at most, and
    /// from a hash nobody finds a key. What is found is compared in constant time, so nothing rests on how a dictionary compares.
    /// </summary>
    public ApiKeyRecord? Find(string hash) =>
        store.FindEntry(hash) is { } found && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(found.Key), Encoding.ASCII.GetBytes(hash)) ? found.Value : null;

    /// <summary>A tenant's keys, revoked and expired ones too, oldest first.</summary>
    public IEnumerable<(ApiKeyId Id, ApiKeyRecord Record)> Of(TenantId tenant) => store.All
        .Where(entry => entry.Value.Tenant == tenant)
        .Select(entry => (Id: ApiKeyId.OfHash(entry.Key), Record: entry.Value))
        .OrderBy(key => key.Record.CreatedAt).ThenBy(key => key.Id.ToString(), StringComparer.Ordinal);

    /// <summary>The hash of a tenant's key; null when it has none of this id.</summary>
    public string? HashOf(TenantId tenant, ApiKeyId id) => store.All.FirstOrDefault(entry => entry.Value.Tenant == tenant && ApiKeyId.OfHash(entry.Key) == id).Key;

    /// <summary>Stores a key; one that is stored already stays as it is.</summary>
    public Task<bool> TryAddAsync(string hash, ApiKeyRecord record, CancellationToken cancellationToken) => store.TryCreateAsync(hash, record, cancellationToken);

    /// <summary>The key as it is after the change; null when the tenant has none of this id.</summary>
    public async Task<ApiKeyRecord?> ChangeAsync(TenantId tenant, ApiKeyId id, Func<ApiKeyRecord, ApiKeyRecord> change, CancellationToken cancellationToken) =>
        HashOf(tenant, id) is { } hash ? await store.ChangeAsync(hash, change, cancellationToken) : null;
}
