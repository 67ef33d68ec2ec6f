namespace Kgents.Contracts;

/// <summary>What is kept of an API key. The key itself is not: only its SHA-256 is, as the record's KV key.</summary>
/// <param name="Prefix">The first characters, <c>kg_xxxxx</c>, for people to recognise it by.</param>
public sealed record ApiKeyRecord(TenantId Tenant, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt);
