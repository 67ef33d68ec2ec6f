namespace Kgents.Contracts;

/// <summary>A decision of governance, kept whatever becomes of its session: what was judged, how, by whom, and what it took.</summary>
public sealed record AuditRecord(
    TenantId Tenant, SessionId Session, TurnId Turn, ProposedAction Proposed, Judgement Judgement, string Model, TokenCounts Tokens, DateTimeOffset DecidedAt);
