namespace Kgents.Contracts;

/// <summary>What is known of a session besides its messages. Counts are not here: the last answer carries them.</summary>
/// <param name="Model">Who is asked to answer its messages; null for the worker's own choice.</param>
public sealed record SessionRecord(SessionId Id, TenantId Tenant, string? Title, string AgentType, string Mode, DateTimeOffset CreatedAt, string? Model = null)
{
    /// <summary>One of <see cref="BudgetTiers"/>; null for <c>dialogue</c>.</summary>
    public string? Budget { get; init; }

    /// <summary>What its client noted when it was created; <see cref="SessionDetails"/> may say otherwise.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>The character of its soul; null for <see cref="Eigenvectors.Default"/>.</summary>
    public Eigenvectors? Eigenvectors { get; init; }
}
