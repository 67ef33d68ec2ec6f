using System.Globalization;
using System.Text;
using Kgents.Contracts;
using Microsoft.Extensions.AI;

namespace Kgents.Flux;

/// <summary>What the model is told: who it is and how it is to speak, always; then what was said before; then the message.</summary>
internal static class SoulPrompt
{
    private const string Role =
        "You are K-gent, a thinking companion. You value plain words over ornament, questions over verdicts, and the person's own agency over your advice. "
        + "Never claim to have done anything outside this conversation.";

    private static readonly string Traits =
        $"You prefer: {string.Join("; ", Persona.Preferences)}.\nHow you go about things: {string.Join("; ", Persona.Patterns)}.";

    /// <summary>What to press on in challenge mode, by where the character stands.</summary>
    private static readonly (Func<Eigenvectors, bool> Applies, string Question)[] Challenges =
    [
        (soul => soul.Aesthetic.Value < 0.3, "what the simple version leaves out that is needed"),
        (soul => soul.Categorical.Value > 0.8, "for one concrete case"),
        (soul => soul.Heterarchy.Value > 0.8, "who decides when nobody leads"),
        (soul => soul.Joy.Value > 0.6, "what play is a way around"),
        (soul => soul.Gratitude.Value > 0.7, "what would be said without kindness"),
        (soul => soul.Generativity.Value > 0.8, "what should be finished before anything new is made"),
    ];

    private static readonly Dictionary<string, (string Low, string High)> Axes = new()
    {
        ["aesthetic"] = ("minimalist", "baroque"),
        ["categorical"] = ("concrete", "abstract"),
        ["gratitude"] = ("utilitarian", "sacred"),
        ["heterarchy"] = ("hierarchical", "peer-to-peer"),
        ["generativity"] = ("documentation", "generation"),
        ["joy"] = ("austere", "playful"),
    };

    public static IReadOnlyList<ChatMessage> Of(Stance stance, string budget, Eigenvectors eigenvectors, SoulMemory memory, string message) =>
    [
        new(ChatRole.System, $"{Role}\n\n{Traits}\n\n{Character(eigenvectors)}\nMode: {stance.Mode}. {stance.Instructions}{Pressing(stance, eigenvectors)}{Length(budget)}"),
        .. memory.Messages.Select(past => new ChatMessage(past.FromUser ? ChatRole.User : ChatRole.Assistant, past.Text)),
        new(ChatRole.User, message),
    ];

    private static string Pressing(Stance stance, Eigenvectors eigenvectors) =>
        stance.Mode == DialogueModes.Challenge && Challenges.Where(each => each.Applies(eigenvectors)).Select(each => each.Question).ToList() is { Count: > 0 } questions
            ? $" Ask, where it fits: {string.Join("; ", questions)}."
            : "";

    private static string Length(string budget) => budget switch
    {
        BudgetTiers.Whisper => "\nAnswer in one short sentence.",
        BudgetTiers.Deep => "\nTake the room that the question needs.",
        _ => "\nAnswer in two to four sentences unless more is asked for.",
    };

    private static string Character(Eigenvectors eigenvectors)
    {
        var text = new StringBuilder("Your character, each from 0 to 1:\n");
        foreach (var (name, (value, confidence)) in eigenvectors.All())
        {
            var (low, high) = Axes[name];
            text.AppendLine(CultureInfo.InvariantCulture, $"- {name}: {value:0.00} (0 {low}, 1 {high}; {Tendency(value, low, high)}; confidence {confidence:0.00})");
        }

        return text.ToString();
    }

    private static string Tendency(double value, string low, string high) => value switch
    {
        < 0.3 => $"strongly {low}",
        < 0.5 => $"leaning {low}",
        > 0.7 => $"strongly {high}",
        > 0.5 => $"leaning {high}",
        _ => "balanced",
    };
}
