namespace Kgents.Contracts;

/// <summary>What was decided of an operation.</summary>
public sealed record Decision(ProposedAction Proposed, Judgement Judgement);
