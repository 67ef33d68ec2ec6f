namespace Kgents.Contracts;

/// <summary>A customer: who owns sessions and keys, and is billed. Its id is its name in paths and subjects, and never changes.</summary>
/// <param name="Settings">What its administrators noted; Kgents reads none of it.</param>
public sealed record TenantRecord(
    TenantId Id, string Name, TenantStatus Status, IReadOnlyDictionary<string, string> Settings, DateTimeOffset CreatedAt)
{
    /// <summary>The name of its plan; null for the usual one.</summary>
    public string? Plan { get; init; }

    /// <summary>A name for people and for other systems, which no other tenant has, and which may change; null for the id.</summary>
    public string? Slug { get; init; }
}
