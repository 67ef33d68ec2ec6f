namespace Kgents.Contracts;

/// <summary>A turn, whatever became of it. Its tokens are those of its calls that are billed, for audit: what they cost, the calls' own events say.</summary>
public sealed record TurnUsageData
{
    public string Schema { get; init; } = "1";

    public required TurnId TurnId { get; init; }

    public required SessionId SessionId { get; init; }

    public required string MessageId { get; init; }

    /// <summary>With which the message was sent, if that is known.</summary>
    public ApiKeyId? KeyId { get; init; }

    public string Agent { get; init; } = "kgent";

    public required string Model { get; init; }

    public required string Mode { get; init; }

    /// <summary><c>completed</c>, <c>failed</c> or <c>client_cancelled</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>Why it failed.</summary>
    public string? ErrorCode { get; init; }

    public string Turns { get; init; } = "1";

    /// <summary>How often a worker began it; 0 for a turn that ended before.</summary>
    public required string Attempts { get; init; }

    /// <summary>Of models, those of attempts that were not delivered among them.</summary>
    public required string Calls { get; init; }

    public required string Chunks { get; init; }

    /// <summary>Of the attempt that was committed, by the clock of its worker.</summary>
    public required string DurationMs { get; init; }

    /// <summary>From the message to the end, by the clocks of API and worker.</summary>
    public required string ElapsedMs { get; init; }

    public required string InputTokens { get; init; }

    public required string OutputTokens { get; init; }

    public required string TotalTokens { get; init; }
}
