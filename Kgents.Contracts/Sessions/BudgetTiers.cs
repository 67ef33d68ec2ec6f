namespace Kgents.Contracts;

/// <summary>How much an answer may cost; a session has one and a message may choose another.</summary>
public static class BudgetTiers
{
    /// <summary>No model is asked: templates answer.</summary>
    public const string Dormant = "dormant";

    /// <summary>A template where one fits, else a sentence of the model.</summary>
    public const string Whisper = "whisper";

    public const string Dialogue = "dialogue";
    public const string Deep = "deep";

    public static IReadOnlyList<string> All { get; } = [Dormant, Whisper, Dialogue, Deep];

    /// <summary>The tier in its one spelling, or null when there is no such tier; case does not matter.</summary>
    public static string? Find(string name) => All.FirstOrDefault(tier => tier.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The most tokens that the model may say.</summary>
    public static int MaxOutputTokens(string tier) => tier switch
    {
        Dormant => 0,
        Whisper => 100,
        Dialogue => 4000,
        Deep => 8000,
        _ => throw new ArgumentOutOfRangeException(nameof(tier), tier, "There is no such tier."),
    };
}
