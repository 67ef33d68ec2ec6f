namespace Kgents.Contracts;

/// <summary>What the soul thinks of an operation: the answer of a governance turn, as JSON.</summary>
/// <param name="Approved">True only for <c>approve</c>.</param>
/// <param name="Recommendation"><c>approve</c>, <c>reject</c> or <c>escalate</c>, which leaves it to people.</param>
/// <param name="Confidence">From 0 to 1.</param>
/// <param name="Alternatives">What could be done instead.</param>
/// <param name="Principles">What it rests on.</param>
public sealed record Judgement(bool Approved, string Recommendation, double Confidence, string Reasoning, IReadOnlyList<string> Alternatives, IReadOnlyList<string> Principles);
