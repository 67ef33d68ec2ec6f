namespace Kgents.Contracts;

/// <summary>An operation to be judged: the text of a governance turn's message, as JSON.</summary>
/// <param name="Severity">How bad it would be if it went wrong, from 0 to 1.</param>
public sealed record ProposedAction(string Action, string? Reason, double Severity);
