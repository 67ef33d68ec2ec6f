using System.Globalization;

namespace Kgents.Api.Agentese;

/// <summary>The modifiers that there are, and which values each takes.</summary>
internal static class PathModifiers
{
    public const string Phase = "phase";
    public const string Entropy = "entropy";
    public const string LawCheck = "law_check";
    public const string Rollback = "rollback";
    public const string MinimalOutput = "minimal_output";
    public const string Span = "span";
    public const string Dot = "dot";

    private const int LongestText = 40;

    public static IReadOnlyList<string> Clauses { get; } = [Phase, Entropy, LawCheck, Rollback, MinimalOutput];

    public static IReadOnlyList<string> Annotations { get; } = [Span, Phase, LawCheck, Dot];

    public static IReadOnlyList<string> Phases { get; } = ["PLAN", "RESEARCH", "DEVELOP", "STRATEGIZE", "CROSS-SYNERGIZE", "IMPLEMENT", "QA", "TEST", "EDUCATE", "MEASURE", "REFLECT"];

    /// <summary>A flag may stand alone.</summary>
    public static bool IsFlag(string name) => name is LawCheck or Rollback or MinimalOutput;

    /// <summary>Null when the modifier takes the value; else why not, and the value that was perhaps meant.</summary>
    public static (string Reason, string? Instead)? Refuse(string name, string value) => name switch
    {
        Phase when !Phases.Contains(value) => ($"There is no such phase; they are {string.Join(", ", Phases)}.", Nearest.Of(value.ToUpperInvariant(), Phases)),
        Entropy when !IsEntropy(value) => ("Entropy is a number from 0 to 1 with at most four decimals, as 0.07.", null),
        LawCheck or Rollback or MinimalOutput when value is not ("true" or "false") => ("A flag is true or false, or stands alone.", "true"),
        Span or Dot when value.Length is 0 or > LongestText || value.AsSpan().ContainsAnyExcept(Allowed) => ($"Its value is 1 to {LongestText} letters, digits, '_' and '-'.", null),
        _ => null,
    };

    private static readonly System.Buffers.SearchValues<char> Allowed = System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    private static bool IsEntropy(string value) =>
        value.Length <= 6 && decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var entropy) && entropy is >= 0 and <= 1 && decimal.Round(entropy, 4) == entropy;
}
