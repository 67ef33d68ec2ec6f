using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Tenants;

/// <summary>
/// Lets no two tenants have the same slug: who wants one claims it, by compare-and-set, before it is in his record. A claim is never given back. It counts while the tenant's record has the slug, or
/// may still get it; after that another tenant takes it over.
/// </summary>
internal sealed class TenantSlugs(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    /// <summary>Much longer than a request that has claimed a slug takes, and than clocks of servers differ by.</summary>
    private static readonly TimeSpan Pending = TimeSpan.FromMinutes(5);

    private readonly BucketRecords<TenantSlugRecord> claims = new(Buckets.TenantRecords, WireJson.Default.TenantSlugRecord, reader, publisher, time);
    private readonly BucketRecords<TenantRecord> tenants = new(Buckets.TenantRecords, WireJson.Default.TenantRecord, reader, publisher, time);

    /// <summary>False when another tenant has it.</summary>
    public async Task<bool> TryClaimAsync(TenantId tenant, string slug, CancellationToken cancellationToken)
    {
        // Those that were there before there were slugs have their ids, without a claim.
        if (slug != tenant.ToString() && await HasAsync(slug, slug, cancellationToken))
        {
            return false;
        }

        var subject = Subjects.KeyValue(Buckets.Tenants, $"{BucketView<TenantRecord>.ReservedPrefix}slug.{slug}");
        while (true)
        {
            var last = await claims.FindAsync(subject, cancellationToken);
            if (last is var (claim, _) && claim.Tenant != tenant && (claim.ClaimedAt > time.GetUtcNow() - Pending || await HasAsync(claim.Tenant.ToString(), slug, cancellationToken)))
            {
                return false;
            }

            // Also one's own anew, so that nobody who found it old takes it over meanwhile.
            if (await claims.TryPutAsync(subject, new TenantSlugRecord(tenant, time.GetUtcNow()), last?.Sequence ?? 0, cancellationToken) is not null)
            {
                return true;
            }
        }
    }

    private async Task<bool> HasAsync(string tenant, string slug, CancellationToken cancellationToken) =>
        await tenants.FindAsync(Subjects.KeyValue(Buckets.Tenants, tenant), cancellationToken) is var (record, _) && (record.Slug ?? record.Id.ToString()) == slug;
}
