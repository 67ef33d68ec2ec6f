namespace Kgents.Contracts;

/// <summary>What is known of a session besides its messages. Counts are not here: the last answer carries them.</summary>
public sealed record SessionRecord(SessionId Id, TenantId Tenant, string? Title, string AgentType, string Mode, DateTimeOffset CreatedAt);
