namespace Kgents.Contracts;

/// <summary>An endpoint of a tenant's: where its events go, which, and what they are signed with.</summary>
/// <param name="Secrets">The newest first; each but the first ends.</param>
/// <param name="DisabledAt">Since then nothing is sent; null while it is in use.</param>
public sealed record WebhookRecord(
    WebhookId Id,
    TenantId Tenant,
    string Url,
    IReadOnlyList<string> Events,
    string? Description,
    IReadOnlyList<WebhookSecret> Secrets,
    DateTimeOffset CreatedAt,
    DateTimeOffset? DisabledAt = null,
    string? DisabledReason = null)
{
    /// <summary>It answered 410.</summary>
    public const string Gone = "gone";

    /// <summary>Somebody said so over HTTP.</summary>
    public const string ByHand = "by_hand";

    /// <summary>Those that a signature is made with at an instant.</summary>
    public IEnumerable<WebhookSecret> SecretsAt(DateTimeOffset instant) => Secrets.Where(secret => secret.ExpiresAt is null || instant < secret.ExpiresAt);

    /// <summary>Its address may hold a secret, as those of chat services do; so neither is in any log by mistake.</summary>
    public override string ToString() => Id.ToString();
}

/// <summary>What events are signed with: <c>whsec_</c> and 32 random bytes in base64.</summary>
/// <param name="ExpiresAt">Until then it is signed with besides the newer one; null for the newest.</param>
public sealed record WebhookSecret(string Value, DateTimeOffset? ExpiresAt = null)
{
    public override string ToString() => "whsec_…";
}
