using Kgents.Contracts;

namespace Kgents.Flux;

/// <summary>Somebody begins to talk.</summary>
public sealed record DialogueStart : SoulEvent;

/// <summary>A message, or with <see cref="Reply"/> the answer to it.</summary>
/// <param name="Mode">One of <see cref="DialogueModes"/>; null for the mode that the soul is in.</param>
/// <param name="Budget">One of <see cref="BudgetTiers"/>; null for the soul's.</param>
public sealed record DialogueTurn(string Message, string? Mode = null, string? Budget = null) : SoulEvent
{
    public DialogueReply? Reply { get; init; }
}

/// <summary>What the soul said, or, while it speaks, one piece of that.</summary>
/// <param name="TokensUsed">What the provider reported; 0 when it reported nothing.</param>
/// <param name="WasTemplate">No model was asked.</param>
/// <param name="Chunk">The number of this piece, from 0; null for the whole answer.</param>
/// <param name="Chunks">Of how many pieces the whole answer is; 0 while that is not known.</param>
public sealed record DialogueReply(string Text, long TokensUsed = 0, bool WasTemplate = false, int? Chunk = null, int Chunks = 0)
{
    public bool IsFinal => Chunk is null;
}

/// <summary>The talk is over.</summary>
public sealed record DialogueEnd(string? Reason = null) : SoulEvent;

/// <summary>The soul is to take another stance; it answers with a <see cref="DialogueTurn"/> that says so. A mode that does not exist is <c>reflect</c>.</summary>
public sealed record ModeChange(string ToMode) : SoulEvent;
