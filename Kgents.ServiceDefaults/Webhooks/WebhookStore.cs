using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>Webhooks, each of one tenant. They are read rarely, so nothing of them, their secrets least of all, is kept in memory.</summary>
public sealed class WebhookStore(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
{
    private readonly BucketRecords<WebhookRecord> records = new(Buckets.WebhookRecords, WireJson.Default.WebhookRecord, reader, publisher, time);

    /// <summary>A tenant's, oldest first.</summary>
    public async Task<IReadOnlyList<WebhookRecord>> OfAsync(TenantId tenant, CancellationToken cancellationToken) => await records
        .ReadAsync(Subjects.Webhooks(tenant), cancellationToken)
        .Select(found => found.Value)
        .OrderBy(webhook => webhook.Id.ToString(), StringComparer.Ordinal)
        .ToListAsync(cancellationToken);

    /// <summary>The tenants that have one in use which chose this type.</summary>
    public async Task<IReadOnlyList<TenantId>> TenantsToldOfAsync(string type, CancellationToken cancellationToken) => await records
        .ReadAsync(Subjects.AllWebhooks, cancellationToken)
        .Where(found => found.Value.DisabledAt is null && found.Value.Events.Contains(type))
        .Select(found => found.Value.Tenant)
        .Distinct()
        .ToListAsync(cancellationToken);

    /// <summary>Null when the tenant has none of this id.</summary>
    public async Task<WebhookRecord?> FindAsync(TenantId tenant, WebhookId id, CancellationToken cancellationToken) =>
        (await records.FindAsync(Subjects.Webhook(tenant, id), cancellationToken))?.Value;

    public Task AddAsync(WebhookRecord webhook, CancellationToken cancellationToken) => records.TryPutAsync(Subjects.Webhook(webhook.Tenant, webhook.Id), webhook, 0, cancellationToken);

    /// <summary>The webhook as it is after the change; null when the tenant has none of this id.</summary>
    public Task<WebhookRecord?> ChangeAsync(TenantId tenant, WebhookId id, Func<WebhookRecord, WebhookRecord?> change, CancellationToken cancellationToken) =>
        records.ChangeAsync(Subjects.Webhook(tenant, id), change, cancellationToken);

    /// <summary>False when the tenant has none of this id.</summary>
    public Task<bool> RemoveAsync(TenantId tenant, WebhookId id, CancellationToken cancellationToken) => records.RemoveAsync(Subjects.Webhook(tenant, id), cancellationToken);
}
