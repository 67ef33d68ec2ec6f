namespace Kgents.Contracts;

/// <summary>Every NATS subject and KV key of Kgents is built here. Ids are validated types, so no client text reaches a subject.</summary>
public static class Subjects
{
    public const string AllMessages = "kgents.messages.*.*.*.*";
    public const string AllUserMessages = "kgents.messages.*.*.*.user";
    public const string AllTokens = "kgents.tokens.>";
    public const string AllLive = "kgents.live.>";
    public const string AllUsage = "kgents.usage.*.*";
    public const string AllDeadLetters = "kgents.dead.*.*";

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

    public static string Usage(TenantId tenant, SessionId session) => $"kgents.usage.{session.Partition}.{tenant}";

    /// <summary>Request and reply with the worker that runs a turn.</summary>
    public static string Control(TurnAddress turn) => $"kgents.control.{turn.Tenant}.{turn.Session}.{turn.Turn}";

    public static string DeadLetters(string origin, TenantId tenant) => $"kgents.dead.{origin}.{tenant}";

    public static string SessionKey(TenantId tenant, SessionId session) => $"{tenant}.{session}";

    public static string CancelMark(TurnAddress turn) => KeyValue(Buckets.Cancels, $"{turn.Tenant}.{turn.Session}.{turn.Turn}");

    /// <summary>The stream subject of a KV key; <c>*</c> as the last token reads all sessions of a tenant.</summary>
    public static string TenantSessions(TenantId tenant) => $"$KV.{Buckets.Sessions}.{tenant}.*";

    public static string KeyValue(string bucket, string key) => $"$KV.{bucket}.{key}";

    public static string KeyValueStream(string bucket) => $"KV_{bucket}";

    /// <summary>Takes the ids back out of a subject of <see cref="AllUserMessages"/>; false for one that Kgents did not build.</summary>
    public static bool TryParseUserMessage(string subject, out TenantId tenant, out SessionId session)
    {
        var tokens = subject.Split('.');
        session = default;
        tenant = default;
        return tokens.Length == 6 && TenantId.TryParse(tokens[3], null, out tenant) && SessionId.TryParse(tokens[4], null, out session);
    }
}
