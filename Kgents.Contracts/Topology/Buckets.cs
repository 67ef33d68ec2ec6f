namespace Kgents.Contracts;

/// <summary>The key-value buckets of Kgents.</summary>
public static class Buckets
{
    public const string Sessions = "kgents_sessions";
    public const string ApiKeys = "kgents_api_keys";
    public const string Cancels = "kgents_cancels";
    public const string Idempotency = "kgents_idempotency";

    public static BucketDefinition SessionRecords { get; } = new(Sessions, "Session records by tenant and session");

    /// <summary>Kept for longer than a turn may wait in the queue.</summary>
    public static BucketDefinition CancelMarks { get; } = new(Cancels, "Turns that somebody asked to cancel") { MaxAge = TimeSpan.FromDays(8) };

    public static BucketDefinition ApiKeyRecords { get; } = new(ApiKeys, "API keys by the SHA-256 of the key");

    /// <summary>Kept for as long as a client may repeat a post.</summary>
    public static BucketDefinition IdempotencyRecords { get; } = new(Idempotency, "Turns by the hash of tenant, session and the client's key") { MaxAge = TimeSpan.FromHours(24) };
}
