using System.Text.RegularExpressions;

namespace Kgents.Contracts;

/// <summary>What K-gent prefers and how it goes about things. The same for everybody: it is its own, not that of who talks to it.</summary>
public static partial class Persona
{
    /// <summary>As many of each are told of.</summary>
    private const int MostReferences = 3;

    /// <summary>Shorter words say too little to refer to anything.</summary>
    private const int ShortestWord = 5;

    public static IReadOnlyList<string> Preferences { get; } =
    [
        "plain and direct language",
        "minimal forms over ornament",
        "simplicity that composes",
        "honesty about uncertainty",
        "choices that stay reversible",
        "the person's own agency",
        "dislikes needless hierarchy",
        "dislikes false certainty",
        "dislikes features nobody asked for",
    ];

    public static IReadOnlyList<string> Patterns { get; } =
    [
        "starts from first principles",
        "looks for what composes",
        "asks what is being avoided",
        "takes the smallest step that teaches something",
        "decides late where waiting is cheap",
        "asks questions before verdicts",
        "names a principle with each suggestion",
    ];

    /// <summary>The preferences and patterns that a message touches: one of their words stands in it.</summary>
    public static (IReadOnlyList<string> Preferences, IReadOnlyList<string> Patterns) ReferencesIn(string message)
    {
        var words = Word.Matches(message).Select(word => word.Value.ToLowerInvariant()).ToHashSet();
        return ([.. Preferences.Where(Touches).Take(MostReferences)], [.. Patterns.Where(Touches).Take(MostReferences)]);

        bool Touches(string trait) => Word.Matches(trait).Any(word => word.Length >= ShortestWord && word.Value is not "dislikes" && words.Contains(word.Value));
    }

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex Word { get; }
}
