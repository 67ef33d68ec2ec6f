using Kgents.Contracts;

namespace Kgents.Streaming.Models;

/// <summary>What the persona can say. A template answers a message only when it is the whole message: "hello" is a greeting, "hello is hard to say" is not.</summary>
internal static class PersonaTemplates
{
    private static readonly HashSet<string> Greetings = new(StringComparer.OrdinalIgnoreCase)
    {
        "hello", "hi", "hey", "good morning", "good afternoon", "good evening", "hello k-gent", "hi k-gent",
    };

    public static string Answer(string mode, string message) =>
        Greetings.Contains(message.Trim().TrimEnd('.', '!', '?')) ? "Hello. What is on your mind today?" : ForMode(mode);

    private static string ForMode(string mode) => mode switch
    {
        DialogueModes.Reflect =>
            "I hear you. Before we go anywhere with it, stay with it for a moment: which part of what you just said matters most to you, and what would change if you took that part seriously?",
        DialogueModes.Advise =>
            "Let us look for the simplest path. Name the one principle you would not give up here, then the smallest step that keeps it; if that step teaches you something, it was the right size.",
        DialogueModes.Challenge =>
            "Suppose the opposite were true. What is the strongest case against what you just said, who would make it, and which part of that case have you been avoiding?",
        DialogueModes.Explore =>
            "Let us widen it first. What does this remind you of in a field that has nothing to do with it, and what did people there learn that nobody here has tried?",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "There is no such mode."),
    };
}
