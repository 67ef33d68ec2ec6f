namespace Kgents.Contracts;

/// <summary>The key-value buckets of Kgents.</summary>
public static class Buckets
{
    public const string Sessions = "kgents_sessions";
    public const string ApiKeys = "kgents_api_keys";
    public const string Tenants = "kgents_tenants";
    public const string Cancels = "kgents_cancels";
    public const string Idempotency = "kgents_idempotency";
    public const string SessionDetails = "kgents_session_details";
    public const string Quota = "kgents_quota";
    public const string OpenStreams = "kgents_streams";
    public const string RequestRates = "kgents_rates";
    public const string Deletions = "kgents_deletions";
    public const string Reconciliations = "kgents_reconciliations";
    public const string Leases = "kgents_leases";
    public const string Webhooks = "kgents_webhooks";
    public const string WebhookDeliveries = "kgents_webhook_deliveries";
    public const string Agentese = "kgents_agentese";

    /// <summary>Each of them.</summary>
    public static IReadOnlyList<BucketDefinition> All =>
    [
        SessionRecords, SessionDetailRecords, DeletionOrders, CancelMarks, QuotaRecords, OpenStreamsRecords, RequestRateRecords, TenantRecords, ApiKeyRecords, IdempotencyRecords, ReconciliationRecords,
        LeaseRecords, WebhookRecords, WebhookDeliveryRecords, AgenteseRecords,
    ];

    /// <summary>A deleted session leaves a mark without a value under its key, for ever: it decides that the session is gone.</summary>
    public static BucketDefinition SessionRecords { get; } = new(Sessions, "Session records by tenant and session");

    public static BucketDefinition SessionDetailRecords { get; } = new(SessionDetails, "What was changed of sessions, by tenant and session");

    public static BucketDefinition DeletionOrders { get; } = new(Deletions, "Sessions that are being deleted, by tenant and session");

    /// <summary>Kept for longer than a turn may wait in the queue.</summary>
    public static BucketDefinition CancelMarks { get; } = new(Cancels, "Turns that somebody asked to cancel") { MaxAge = TimeSpan.FromDays(8) };

    public static BucketDefinition QuotaRecords { get; } = new(Quota, "Tokens of the month and open turns by tenant");

    public static BucketDefinition OpenStreamsRecords { get; } = new(OpenStreams, "Open streams by tenant and replica");

    /// <summary>A bucket of requests that nobody took from for a minute is full, which none is too.</summary>
    public static BucketDefinition RequestRateRecords { get; } = new(RequestRates, "Requests of the last minute, by tenant and key") { MaxAge = TimeSpan.FromMinutes(5) };

    public static BucketDefinition TenantRecords { get; } = new(Tenants, "Tenants by their id");

    public static BucketDefinition ApiKeyRecords { get; } = new(ApiKeys, "API keys by the SHA-256 of the key");

    /// <summary>Kept for as long as a client may repeat a post.</summary>
    public static BucketDefinition IdempotencyRecords { get; } = new(Idempotency, "Turns by the hash of tenant, session and the client's key") { MaxAge = TimeSpan.FromHours(24) };

    /// <summary>A view of what is elsewhere, made anew from time to time.</summary>
    public static BucketDefinition ReconciliationRecords { get; } = new(Reconciliations, "The last comparison of ledger and OpenMeter, by tenant and partition") { MaxAge = TimeSpan.FromDays(7) };

    /// <summary>Read and written by compare-and-set; nothing in it is worth more than a few seconds.</summary>
    public static BucketDefinition LeaseRecords { get; } = new(Leases, "Who does what only one may do");

    /// <summary>With their secrets, since who signs needs them. A deleted one leaves a mark without a value.</summary>
    public static BucketDefinition WebhookRecords { get; } = new(Webhooks, "Webhooks by tenant and id");

    /// <summary>What is to be delivered and what became of it: queue and log in one. Kept for much longer than the last try takes.</summary>
    public static BucketDefinition WebhookDeliveryRecords { get; } = new(WebhookDeliveries, "Deliveries by tenant, webhook and event") { MaxAge = TimeSpan.FromDays(30) };

    /// <summary>The entropy of each tenant, and the sessions of what it has named.</summary>
    public static BucketDefinition AgenteseRecords { get; } = new(Agentese, "What AGENTESE remembers, by tenant, context and holon");
}
