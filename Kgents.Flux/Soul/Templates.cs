using System.Text.RegularExpressions;
using Kgents.Contracts;

namespace Kgents.Flux;

/// <summary>
/// What can be said without a model. A template answers a message only when it is the whole message: "thanks" is one, "thanks to whom are we done?" is none. None says
/// that something was done.
/// </summary>
public static partial class Templates
{
    /// <summary>The answer to a message that says nothing.</summary>
    public const string Empty = "What is on your mind?";

    /// <summary>To follow what cannot be answered without a model.</summary>
    public const string NoModel = "\n\n(At this budget no language model is asked; the budgets whisper, dialogue and deep ask one.)";

    private static readonly Dictionary<string, Func<string, string>> Intents = All();

    /// <summary>Null when the message is no such intent as a whole.</summary>
    public static string? Find(string mode, string message) =>
        string.IsNullOrWhiteSpace(message) ? Empty : Intents.TryGetValue(Bare(message), out var answer) ? answer(mode) : null;

    /// <summary>The question of a mode, which suits any message and answers none.</summary>
    public static string Question(string mode) => mode switch
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

    private static Dictionary<string, Func<string, string>> All()
    {
        var intents = new Dictionary<string, Func<string, string>>();
        Add(["hello", "hi", "hey", "good day", "good morning", "good afternoon", "good evening"], _ => "Hello. What is on your mind today?");
        Add(["thanks", "thank you", "many thanks", "thanks a lot", "thank you very much"], _ => "You are welcome. Is there more to it?");
        Add(["bye", "goodbye", "good night", "see you", "done", "i am done", "i'm done", "that is all", "that's all"], _ => "Goodbye. What we said stays in this session.");
        Add(["save", "save this", "save it"], _ => "I cannot save anything myself. What we say stays in this session for as long as it is there.");
        Add(["ok", "okay", "yes", "no", "sure", "right", "i see", "hm", "hmm", "go on"], Nod);
        foreach (var mode in DialogueModes.All)
        {
            Add([mode, $"{mode} mode", $"let us {mode}", $"let's {mode}"], current => current == mode
                ? $"This is {mode} mode already. {Stance.For(mode).Intro}"
                : $"This message is in {current} mode. A message or a session with the mode {mode} is answered in that.");
        }

        return intents;

        void Add(IReadOnlyList<string> messages, Func<string, string> answer)
        {
            foreach (var message in messages)
            {
                intents.Add(message, answer);
            }
        }
    }

    private static string Nod(string mode) => mode switch
    {
        DialogueModes.Advise => "Good. What is the next small step?",
        DialogueModes.Challenge => "Before we go on: what would somebody say who disagrees?",
        DialogueModes.Explore => "And what does that remind you of?",
        _ => "Stay with that for a moment. What is behind it?",
    };

    /// <summary>Without capitals, punctuation around it, doubled blanks, and K-gent's name at its end.</summary>
    private static string Bare(string message)
    {
        var words = Blanks.Replace(message.Trim().ToLowerInvariant(), " ").Replace('’', '\'').Trim('.', '!', '?', ',', ' ');
        return Name.Replace(words, "").TrimEnd(',', ' ');
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks { get; }

    [GeneratedRegex(@"[ ,]+k-?gent\z")]
    private static partial Regex Name { get; }
}
