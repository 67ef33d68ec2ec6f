namespace Kgents.Contracts;

/// <summary>What is kept of an API key. The key itself is not: only its SHA-256 is, as the record's KV key.</summary>
/// <param name="Prefix">The first characters, <c>kg_xxxxx</c>, for people to recognise it by.</param>
/// <param name="ExpiresAt">From then on it is refused; null for never.</param>
/// <param name="RevokedAt">Since then it is refused, for ever; null while it is not revoked.</param>
public sealed record ApiKeyRecord(
    TenantId Tenant,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt = null,
    DateTimeOffset? RevokedAt = null)
{
    /// <summary>Its own limit, besides the tenant's; null for none.</summary>
    public long? RequestsPerMinute { get; init; }

    /// <summary>Its own limit, besides the tenant's; null for none.</summary>
    public long? RequestsPerDay { get; init; }

    /// <summary>Whether requests may still be made with it.</summary>
    public bool IsUsableAt(DateTimeOffset instant) => RevokedAt is null && (ExpiresAt is null || instant < ExpiresAt);
}
