using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>A session as clients see it. The counts are those of its finished turns.</summary>
internal sealed record SessionResponse(
    SessionId Id, TenantId TenantId, string? Title, string AgentType, string Mode, string Status, long MessageCount, long TokensUsed, DateTimeOffset CreatedAt)
{
    public static SessionResponse From(SessionRecord record, SessionTotals totals) => new(
        record.Id, record.Tenant, record.Title, record.AgentType, record.Mode, "active", totals.Messages, totals.InputTokens + totals.OutputTokens, record.CreatedAt);
}

/// <summary>A page of sessions, newest first; <paramref name="Next"/> is the cursor of the next page.</summary>
internal sealed record SessionPage(IReadOnlyList<SessionResponse> Sessions, string? Next);

/// <summary>The body of a new session; all of it may be left out.</summary>
internal sealed record CreateSessionRequest(string? Title, string? Mode);
