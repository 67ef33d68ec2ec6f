using Kgents.Contracts;

namespace Kgents.Flux;

/// <summary>What a soul begins with; all of it belongs to one session.</summary>
public sealed record SoulSeed
{
    public string Mode { get; init; } = DialogueModes.Reflect;

    public string Budget { get; init; } = BudgetTiers.Dialogue;

    public Eigenvectors Eigenvectors { get; init; } = Eigenvectors.Default;

    /// <summary>What was said before; the soul adds to it.</summary>
    public SoulMemory Memory { get; init; } = new(maxTokens: 16 * 1024, maxTurns: 100);
}
