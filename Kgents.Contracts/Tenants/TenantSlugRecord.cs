namespace Kgents.Contracts;

/// <summary>Whose slug a text is, or is about to be.</summary>
/// <param name="ClaimedAt">Soon after it, the tenant's record has the slug; if not then, it never will, and another tenant may have it.</param>
public sealed record TenantSlugRecord(TenantId Tenant, DateTimeOffset ClaimedAt);
