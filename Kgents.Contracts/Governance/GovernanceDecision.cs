namespace Kgents.Contracts;

/// <summary>What was decided of an operation.</summary>
public sealed record GovernanceDecision(ProposedAction Proposed, Judgement Judgement);
