namespace Kgents.Contracts;

/// <summary>Where a turn lives. The tenant is always the authenticated one, never one that a client named.</summary>
public readonly record struct TurnAddress(TenantId Tenant, SessionId Session, TurnId Turn);
