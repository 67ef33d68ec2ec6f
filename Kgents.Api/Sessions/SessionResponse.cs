using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>A session as clients see it. The counts are those of its finished turns.</summary>
internal sealed record SessionResponse(
    SessionId Id, TenantId TenantId, string? Title, string AgentType, string Mode, string? Model, string Budget, IReadOnlyDictionary<string, double> Eigenvectors, string Status, IReadOnlyDictionary<string, string> Metadata, long MessageCount, long TokensUsed, DateTimeOffset CreatedAt)
{
    public static SessionResponse From(SessionRecord record, SessionDetails? details, SessionTotals totals) => new(
        record.Id, record.Tenant, details is null ? record.Title : details.Title, record.AgentType, record.Mode, record.Model, record.Budget ?? BudgetTiers.Dialogue, (record.Eigenvectors ?? Contracts.Eigenvectors.Default).Values(), details is { IsArchived: true } ? SessionStatuses.Archived : SessionStatuses.Active, details?.Metadata ?? record.Metadata ?? new Dictionary<string, string>(), totals.Messages, totals.InputTokens + totals.OutputTokens, record.CreatedAt);
}

/// <summary>A page of sessions, newest first; <paramref name="Next"/> is the cursor of the next page.</summary>
internal sealed record SessionPage(IReadOnlyList<SessionResponse> Sessions, string? Next);
