using Kgents.Contracts;

namespace Kgents.Api.Messages;

/// <summary>A message that a client sends, and that may be stored. <paramref name="Mode"/> is in its one spelling.</summary>
/// <param name="Model">Who is asked to answer; null for the worker's own choice.</param>
internal sealed record NewMessage(TenantId Tenant, SessionId Session, string Text, string Mode, BusyPolicy WhenBusy, string? Model = null)
{
    /// <summary>One of <see cref="MessageKinds"/>; null for a message that is to be answered.</summary>
    public string? Kind { get; init; }

    /// <summary>One of <see cref="BudgetTiers"/>.</summary>
    public required string Budget { get; init; }

    /// <summary>The tokens of the tenant's month, 0 for no limit; null when the turn takes no place in a quota.</summary>
    public long? TokenQuota { get; init; }

    /// <summary>Who sends it.</summary>
    public required ApiKeyId Key { get; init; }
    /// <summary>What is to be stored before the message, once it is certain that there is room for its turn; says why the message cannot be stored, or null.</summary>
    public Func<CancellationToken, Task<Acceptance?>>? PrepareAsync { get; init; }

    /// <summary>The session's, when it has its own.</summary>
    public Eigenvectors? Eigenvectors { get; init; }

    /// <summary>The AGENTESE path that asks; null for a message that a client wrote.</summary>
    public string? Path { get; init; }

    /// <summary>As whom it asks.</summary>
    public string? Archetype { get; init; }

    public UserMessage ToUserMessage(TurnId turn, long n, DateTimeOffset createdAt) => new(turn, n, Text, Mode, createdAt, WhenBusy == BusyPolicy.Interrupt, Model)
    {
        Kind = Kind,
        Budget = Budget == BudgetTiers.Dialogue ? null : Budget,
        Eigenvectors = Eigenvectors,
        TokenQuota = TokenQuota,
        KeyId = Key,
        Path = Path,
        Archetype = Archetype,
    };
}
