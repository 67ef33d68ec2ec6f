using System.Globalization;

namespace Kgents.Contracts;

/// <summary>Every NATS subject and KV key of Kgents is built here. Ids are validated types, so no client text reaches a subject.</summary>
public static class Subjects
{
    public const string AllMessages = "kgents.messages.*.*.*.*";
    public const string AllUserMessages = "kgents.messages.*.*.*.user";
    public const string AllTokens = "kgents.tokens.>";
    public const string AllLive = "kgents.live.>";
    public const string AllUsage = "kgents.usage.>";
    public const string AllLedgers = "kgents.ledger.*";
    public const string AllDeadLetters = "kgents.dead.*.*";
    public const string AllDayCounts = "kgents.counts.day.*.*.*";
    public const string AllAudits = "kgents.audit.*.*.*.*";
    public const string AllWebhookEvents = "kgents.webhooks.*.*";

    /// <summary>The stream subjects of all webhooks.</summary>
    public const string AllWebhooks = $"$KV.{Buckets.Webhooks}.*.*";

    /// <summary>The stream subjects of all tenants' quotas.</summary>
    public const string AllQuotas = $"$KV.{Buckets.Quota}.*";

    /// <summary>The stream subjects of all deletion orders.</summary>
    public const string AllDeletions = $"$KV.{Buckets.Deletions}.*.*";

    /// <summary>Subjects that carry one message for each few tokens: a span for each would be ruinous.</summary>
    public static bool IsPerToken(string subject) =>
        subject.StartsWith("kgents.tokens.", StringComparison.Ordinal) || subject.StartsWith("kgents.live.", StringComparison.Ordinal);

    public static string UserMessages(TenantId tenant, SessionId session) => $"kgents.messages.{session.Partition}.{tenant}.{session}.user";

    public static string AssistantMessages(TenantId tenant, SessionId session) => $"kgents.messages.{session.Partition}.{tenant}.{session}.assistant";

    /// <summary>Both roles of one session, for reading its history in the order in which it happened.</summary>
    public static string Conversation(TenantId tenant, SessionId session) => $"kgents.messages.{session.Partition}.{tenant}.{session}.*";

    public static string Tokens(TurnAddress turn) => $"kgents.tokens.{turn.Session.Partition}.{turn.Tenant}.{turn.Session}.{turn.Turn}";

    /// <summary>Where the server republishes what it has stored under <see cref="Tokens"/>.</summary>
    public static string Live(TurnAddress turn) => $"kgents.live.{turn.Session.Partition}.{turn.Tenant}.{turn.Session}.{turn.Turn}";

    /// <summary>The logs of all turns of one session, in the order in which they were written.</summary>
    public static string SessionTokens(TenantId tenant, SessionId session) => $"kgents.tokens.{session.Partition}.{tenant}.{session}.*";

    /// <summary>The logs of all turns of a partition.</summary>
    public static string PartitionTokens(int partition) => $"kgents.tokens.{partition}.>";

    /// <summary>Where the server republishes what it has stored under <see cref="SessionTokens"/>.</summary>
    public static string SessionLive(TenantId tenant, SessionId session) => $"kgents.live.{session.Partition}.{tenant}.{session}.*";

    /// <summary>Where the usage of a session's turns is recorded.</summary>
    public static string Usage(TenantId tenant, SessionId session) => Usage(tenant, session.Partition);

    /// <summary>Where the usage of turns is recorded.</summary>
    public static string Usage(TenantId tenant, int partition) => $"kgents.usage.{partition}.{tenant}.{UsageOrigins.Turns}";

    /// <summary>Where requests are recorded.</summary>
    public static string RequestUsage(TenantId tenant, int partition) => $"kgents.usage.{partition}.{tenant}.{UsageOrigins.Requests}";

    /// <summary>The corrections of the usage event that has this sequence; one subject for each event, so that they are made one after the other.</summary>
    public static string UsageCorrections(TenantId tenant, int partition, ulong sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"kgents.usage.{partition}.{tenant}.{UsageOrigins.Corrections}.{sequence}");

    /// <summary>All usage of a tenant in one partition.</summary>
    public static string PartitionUsage(TenantId tenant, int partition) => $"kgents.usage.{partition}.{tenant}.>";

    /// <summary>All usage of a tenant in all partitions.</summary>
    public static string TenantUsage(TenantId tenant) => $"kgents.usage.*.{tenant}.>";

    /// <summary>The ledger of the usage events of a partition.</summary>
    public static string Ledger(int partition) => $"kgents.ledger.{partition}";

    /// <summary>Request and reply with metering: what an operator asks of it over HTTP.</summary>
    public const string UsageOperations = "kgents.operations.usage";

    /// <summary>Request and reply with the worker that runs a turn.</summary>
    public static string Control(TurnAddress turn) => $"kgents.control.{turn.Tenant}.{turn.Session}.{turn.Turn}";

    public static string DeadLetters(string origin, TenantId tenant) => $"kgents.dead.{origin}.{tenant}";

    /// <summary>The decision of a governance turn; one subject for each, so that there is one record.</summary>
    public static string Audit(TurnAddress turn) => $"kgents.audit.{turn.Session.Partition}.{turn.Tenant}.{turn.Session}.{turn.Turn}";

    /// <summary>The requests of a tenant, or of one of its keys, in the day that began then.</summary>
    public static string RequestCount(TenantId tenant, ApiKeyId? key, DateTimeOffset start) =>
        $"kgents.counts.day.{tenant}.{key?.ToString() ?? "all"}.{start.ToUnixTimeSeconds()}";

    /// <summary>The stream subject of the requests that a tenant, or one of its keys, has made in the last minute.</summary>
    public static string RequestRate(TenantId tenant, ApiKeyId? key) => KeyValue(Buckets.RequestRates, $"{tenant}.{key?.ToString() ?? "all"}");

    /// <summary>The dead letters of one origin, of all tenants.</summary>
    public static string DeadLettersOf(string origin) => $"kgents.dead.{origin}.*";

    public static string SessionKey(TenantId tenant, SessionId session) => $"{tenant}.{session}";

    public static string MeteringLease(int partition) => KeyValue(Buckets.Leases, $"metering.{partition}");

    /// <summary>The stream subject of the last comparison of a tenant's usage.</summary>
    public static string Reconciliation(TenantId tenant, int partition) => KeyValue(Buckets.Reconciliations, $"{tenant}.{partition}");

    /// <summary>Those of all partitions.</summary>
    public static string Reconciliations(TenantId tenant) => KeyValue(Buckets.Reconciliations, $"{tenant}.*");

    public static string CancelMark(TurnAddress turn) => KeyValue(Buckets.Cancels, $"{turn.Tenant}.{turn.Session}.{turn.Turn}");

    /// <summary>The cancel marks of all turns of one session.</summary>
    public static string SessionCancelMarks(TenantId tenant, SessionId session) => KeyValue(Buckets.Cancels, $"{tenant}.{session}.*");

    /// <summary>The stream subject of a tenant's entropy.</summary>
    public static string Entropy(TenantId tenant) => KeyValue(Buckets.Agentese, $"{tenant}.void.entropy");

    /// <summary>The stream subject of what a tenant has named in a context.</summary>
    /// <param name="context"><c>world</c> or <c>concept</c>.</param>
    /// <param name="holon">A letter, then at most 39 letters, digits and underscores: nothing else may reach a subject.</param>
    public static string Holon(TenantId tenant, string context, string holon) => KeyValue(Buckets.Agentese, $"{tenant}.{context}.{holon}");

    /// <summary>Those of all that a tenant has named in a context.</summary>
    public static string Holons(TenantId tenant, string context) => Holon(tenant, context, "*");

    /// <summary>The stream subject of a session's record.</summary>
    public static string SessionRecord(TenantId tenant, SessionId session) => KeyValue(Buckets.Sessions, SessionKey(tenant, session));

    /// <summary>The stream subject of what was changed of a session.</summary>
    public static string SessionDetails(TenantId tenant, SessionId session) => KeyValue(Buckets.SessionDetails, SessionKey(tenant, session));

    /// <summary>The stream subject of the order to delete a session.</summary>
    public static string Deletion(TenantId tenant, SessionId session) => KeyValue(Buckets.Deletions, SessionKey(tenant, session));

    /// <summary>An event that a tenant's webhooks are told of; one subject for each, so that there is one record.</summary>
    public static string WebhookEvent(TenantId tenant, WebhookEventId id) => $"kgents.webhooks.{tenant}.{id}";

    /// <summary>All of a tenant.</summary>
    public static string WebhookEvents(TenantId tenant) => $"kgents.webhooks.{tenant}.*";

    /// <summary>The stream subject of a webhook.</summary>
    public static string Webhook(TenantId tenant, WebhookId webhook) => KeyValue(Buckets.Webhooks, $"{tenant}.{webhook}");

    /// <summary>The stream subjects of a tenant's webhooks.</summary>
    public static string Webhooks(TenantId tenant) => KeyValue(Buckets.Webhooks, $"{tenant}.*");

    /// <summary>The stream subject of what becomes of an event at a webhook.</summary>
    public static string WebhookDelivery(DeliveryAddress delivery) => KeyValue(Buckets.WebhookDeliveries, $"{delivery.Tenant}.{delivery.Webhook}.{delivery.Event}");

    /// <summary>The stream subject of a KV key; <c>*</c> as the last token reads all sessions of a tenant.</summary>
    public static string TenantSessions(TenantId tenant) => $"$KV.{Buckets.Sessions}.{tenant}.*";

    public static string KeyValue(string bucket, string key) => $"$KV.{bucket}.{key}";

    public static string KeyValueStream(string bucket) => $"KV_{bucket}";

    /// <summary>The turn of a subject that <see cref="Tokens"/> or <see cref="Live"/> built.</summary>
    public static TurnId TurnOf(string subject) => TurnId.Parse(subject[(subject.LastIndexOf('.') + 1)..]);

    /// <summary>Takes the ids back out of a subject that <see cref="Tokens"/> built; false for one that Kgents did not build.</summary>
    public static bool TryParseTokens(string subject, out TurnAddress turn)
    {
        var tokens = subject.Split('.');
        turn = default;
        if (tokens.Length != 6 || !TenantId.TryParse(tokens[3], null, out var tenant) || !SessionId.TryParse(tokens[4], null, out var session) || !TurnId.TryParse(tokens[5], null, out var id))
        {
            return false;
        }

        turn = new TurnAddress(tenant, session, id);
        return true;
    }

    /// <summary>Takes the ids back out of a subject that <see cref="Deletion"/> built; false for one that Kgents did not build.</summary>
    public static bool TryParseDeletion(string subject, out TenantId tenant, out SessionId session)
    {
        var tokens = subject.Split('.');
        session = default;
        tenant = default;
        return tokens.Length == 4 && TenantId.TryParse(tokens[2], null, out tenant) && SessionId.TryParse(tokens[3], null, out session);
    }

    /// <summary>Takes the tenant back out of a subject that ends with it, of <see cref="AllQuotas"/> or <see cref="AllDeadLetters"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseTenant(string subject, out TenantId tenant) => TenantId.TryParse(subject[(subject.LastIndexOf('.') + 1)..], null, out tenant);

    /// <summary>Takes partition and tenant back out of a subject of <see cref="AllUsage"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseUsage(string subject, out int partition, out TenantId tenant)
    {
        var tokens = subject.Split('.');
        partition = 0;
        tenant = default;
        return tokens.Length is 5 or 6 && int.TryParse(tokens[2], NumberStyles.None, CultureInfo.InvariantCulture, out partition) && TenantId.TryParse(tokens[3], null, out tenant);
    }

    /// <summary>Takes the sequence of the corrected event back out of a subject that <see cref="UsageCorrections"/> built; false for another.</summary>
    public static bool TryParseCorrection(string subject, out ulong sequence)
    {
        sequence = 0;
        return subject.Split('.') is [_, _, _, _, UsageOrigins.Corrections, var text] && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out sequence);
    }

    /// <summary>Takes the partition back out of a subject of <see cref="AllLedgers"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseLedger(string subject, out int partition) =>
        int.TryParse(subject[(subject.LastIndexOf('.') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out partition);

    /// <summary>Takes the ids back out of a subject of <see cref="AllUserMessages"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseUserMessage(string subject, out TenantId tenant, out SessionId session)
    {
        var tokens = subject.Split('.');
        session = default;
        tenant = default;
        return tokens.Length == 6 && TenantId.TryParse(tokens[3], null, out tenant) && SessionId.TryParse(tokens[4], null, out session);
    }

    /// <summary>Takes the ids back out of a subject that <see cref="WebhookEvent"/> built; false for one that Kgents did not build.</summary>
    public static bool TryParseWebhookEvent(string subject, out TenantId tenant, out WebhookEventId id)
    {
        var tokens = subject.Split('.');
        tenant = default;
        id = default;
        return tokens.Length == 4 && TenantId.TryParse(tokens[2], null, out tenant) && WebhookEventId.TryParse(tokens[3], null, out id);
    }

    /// <summary>Takes the ids back out of a key of <see cref="Buckets.WebhookDeliveries"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseDeliveryKey(string key, out DeliveryAddress delivery)
    {
        var tokens = key.Split('.');
        delivery = default;
        if (tokens.Length != 3 || !TenantId.TryParse(tokens[0], null, out var tenant) || !WebhookId.TryParse(tokens[1], null, out var webhook) || !WebhookEventId.TryParse(tokens[2], null, out var id))
        {
            return false;
        }

        delivery = new DeliveryAddress(tenant, webhook, id);
        return true;
    }
}
