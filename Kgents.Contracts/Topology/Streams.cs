namespace Kgents.Contracts;

/// <summary>The streams of Kgents: what each keeps, for how long and why.</summary>
public static class Streams
{
    /// <summary>The conversation and the work queue in one, so that neither can exist without the other.</summary>
    public static StreamDefinition Messages { get; } = new("KGENTS_MESSAGES", Subjects.AllMessages, "Conversations, and the queue of turns")
    {
        DiscardNew = true,
    };

    /// <summary>The log that clients follow and resume from: one subject and one writer per turn.</summary>
    public static StreamDefinition Tokens { get; } = new("KGENTS_TOKENS", Subjects.AllTokens, "The event log of each turn, republished live")
    {
        MaxAge = TimeSpan.FromHours(24),
        MaxBytes = 1L << 30,
        RepublishTo = Subjects.AllLive,
    };

    /// <summary>What is billed, and its audit trail.</summary>
    public static StreamDefinition Usage { get; } = new("KGENTS_USAGE", Subjects.AllUsage, "One CloudEvent per model call")
    {
        MaxAge = TimeSpan.FromDays(400),
        DiscardNew = true,
        Immutable = true,
        DuplicateWindow = TimeSpan.FromMinutes(30),
    };

    /// <summary>What could not be delivered, with its reason.</summary>
    public static StreamDefinition DeadLetters { get; } = new("KGENTS_DEAD_LETTERS", Subjects.AllDeadLetters, "Messages that could not be processed")
    {
        MaxAge = TimeSpan.FromDays(400),
    };
}
