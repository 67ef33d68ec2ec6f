namespace Kgents.Contracts;

/// <summary>The streams of Kgents: what each keeps, for how long and why.</summary>
public static class Streams
{
    /// <summary>Each of them.</summary>
    public static IReadOnlyList<StreamDefinition> All => [Messages, Tokens, Usage, Audit, DayCounts, Ledger, DeadLetters, WebhookEvents];

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
    public static StreamDefinition Usage { get; } = new("KGENTS_USAGE", Subjects.AllUsage, "CloudEvents of model calls, turns and requests")
    {
        MaxAge = TimeSpan.FromDays(400),
        DiscardNew = true,
        Immutable = true,
        DuplicateWindow = TimeSpan.FromMinutes(30),
    };

    /// <summary>What governance has decided.</summary>
    public static StreamDefinition Audit { get; } = new("KGENTS_AUDIT", Subjects.AllAudits, "Decisions of governance")
    {
        MaxAge = TimeSpan.FromDays(400),
        DiscardNew = true,
        Immutable = true,
    };

    /// <summary>Requests of each tenant and key, day by day.</summary>
    public static StreamDefinition DayCounts { get; } = new("KGENTS_DAY_COUNTS", Subjects.AllDayCounts, "Requests in a day")
    {
        MaxAge = TimeSpan.FromHours(49),
        IsCounter = true,
    };

    /// <summary>What became of each usage event.</summary>
    public static StreamDefinition Ledger { get; } = new("KGENTS_LEDGER", Subjects.AllLedgers, "What became of each usage event")
    {
        MaxAge = TimeSpan.FromDays(400),
        DiscardNew = true,
        Immutable = true,
    };

    /// <summary>What could not be delivered, with its reason.</summary>
    public static StreamDefinition DeadLetters { get; } = new("KGENTS_DEAD_LETTERS", Subjects.AllDeadLetters, "Messages that could not be processed")
    {
        MaxAge = TimeSpan.FromDays(400),
    };

    /// <summary>What webhooks are told of. Kept for longer than two months, so that what is told once in a month is known to have been told.</summary>
    public static StreamDefinition WebhookEvents { get; } = new("KGENTS_WEBHOOKS", Subjects.AllWebhookEvents, "Events that webhooks are told of")
    {
        MaxAge = TimeSpan.FromDays(100),
    };
}
