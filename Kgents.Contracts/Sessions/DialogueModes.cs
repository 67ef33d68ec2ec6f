namespace Kgents.Contracts;

/// <summary>The stances that K-gent can take; a session has one and a message may choose another.</summary>
public static class DialogueModes
{
    public const string Reflect = "reflect";
    public const string Advise = "advise";
    public const string Challenge = "challenge";
    public const string Explore = "explore";

    public static IReadOnlyList<string> All { get; } = [Reflect, Advise, Challenge, Explore];

    /// <summary>The mode in its one spelling, or null when there is no such mode; case does not matter.</summary>
    public static string? Find(string name) => All.FirstOrDefault(mode => mode.Equals(name, StringComparison.OrdinalIgnoreCase));
}
