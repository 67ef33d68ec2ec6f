namespace Kgents.Contracts;

/// <summary>The key-value buckets of Kgents.</summary>
public static class Buckets
{
    public const string Sessions = "kgents_sessions";
    public const string ApiKeys = "kgents_api_keys";

    public static BucketDefinition SessionRecords { get; } = new(Sessions, "Session records by tenant and session");

    public static BucketDefinition ApiKeyRecords { get; } = new(ApiKeys, "API keys by the SHA-256 of the key");
}
