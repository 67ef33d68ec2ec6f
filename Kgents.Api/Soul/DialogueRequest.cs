using System.ComponentModel.DataAnnotations;
using Kgents.Contracts;

namespace Kgents.Api.Soul;

/// <summary>One message to the soul. <paramref name="Mode"/> is <c>reflect</c> by default, and <paramref name="Budget"/> the plan's.</summary>
internal sealed record DialogueRequest([property: Required] string? Prompt, string? Mode, string? Budget);

/// <summary>What the soul said, and the session in which it can be asked further.</summary>
internal sealed record DialogueResponse(
    string Response,
    string Mode,
    string Budget,
    IReadOnlyDictionary<string, double> Eigenvectors,
    long TokensUsed,
    IReadOnlyList<string> ReferencedPreferences,
    IReadOnlyList<string> ReferencedPatterns,
    string Model,
    SessionId SessionId,
    TurnId TurnId);
