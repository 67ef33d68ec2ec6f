using Kgents.Contracts;

namespace Kgents.Api.Sessions;

/// <summary>A session that a client asks for. <paramref name="Mode"/> and <paramref name="Budget"/> are in their one spelling.</summary>
/// <param name="Model">Who is asked to answer its messages; null for the worker's own choice.</param>
/// <param name="Eigenvectors">Null for K-gent's own.</param>
internal sealed record NewSession(string? Title, string Mode, string? Model, string Budget, Eigenvectors? Eigenvectors)
{
    /// <summary>What its client notes; null for nothing.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>Who answers in it.</summary>
    public string AgentType { get; init; } = "kgent";

    public SessionRecord ToRecord(SessionId id, TenantId tenant, DateTimeOffset createdAt) => new(id, tenant, Title, AgentType, Mode, createdAt, Model)
    {
        Budget = Budget == BudgetTiers.Dialogue ? null : Budget,
        Eigenvectors = Eigenvectors,
        Metadata = Metadata,
    };
}
