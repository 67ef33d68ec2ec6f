namespace Kgents.Api.Agentese;

/// <summary>Why a text is no path.</summary>
/// <param name="IsUnknown">It is well formed, and names what is not there.</param>
/// <param name="Position">The first character that is wrong, from 0.</param>
/// <param name="Suggestion">A path that is one; null when none is near.</param>
internal sealed record PathFault(string Reason, int Position, string? Suggestion, bool IsUnknown = false);
