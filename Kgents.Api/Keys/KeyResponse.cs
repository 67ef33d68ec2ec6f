using Kgents.Contracts;

namespace Kgents.Api.Keys;

/// <summary>A key as its administrators see it.</summary>
/// <param name="LastUsedAt">To the minute; absent when it never was, and in the answer that changes it.</param>
/// <param name="Key">The key itself: only in the answer that creates it, and nowhere ever again.</param>
internal sealed record KeyResponse(
    ApiKeyId Id,
    TenantId TenantId,
    string Name,
    string Prefix,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    long? RequestsPerMinute,
    long? RequestsPerDay,
    DateTimeOffset? LastUsedAt,
    string? Key)
{
    public static KeyResponse From(ApiKeyId id, ApiKeyRecord key, DateTimeOffset? lastUsedAt = null, string? plain = null) =>
        new(id, key.Tenant, key.Name, key.Prefix, key.Scopes, key.CreatedAt, key.ExpiresAt, key.RevokedAt, key.RequestsPerMinute, key.RequestsPerDay, lastUsedAt, plain);
}

/// <summary>All keys of a tenant, oldest first.</summary>
internal sealed record KeyPage(IReadOnlyList<KeyResponse> Keys);
