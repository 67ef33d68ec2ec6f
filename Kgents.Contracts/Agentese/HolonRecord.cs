namespace Kgents.Contracts;

/// <summary>A thing or an idea that a tenant has named in AGENTESE. All that is known of it was said in its session.</summary>
public sealed record HolonRecord(SessionId Session, DateTimeOffset CreatedAt);
