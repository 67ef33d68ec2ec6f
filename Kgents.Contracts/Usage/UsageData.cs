namespace Kgents.Contracts;

/// <summary>
/// What one model call used. Quantities are decimal strings, exact in every store. The five buckets are disjoint and are what a price
/// applies to; the three totals are for audit only.
/// </summary>
public sealed record UsageData
{
    public string Schema { get; init; } = "1";

    public required TurnId TurnId { get; init; }

    public required SessionId SessionId { get; init; }

    public required string MessageId { get; init; }

    /// <summary>With which the message was sent, if that is known.</summary>
    public ApiKeyId? KeyId { get; init; }

    /// <summary>The ordinal of the call in its attempt, from 0.</summary>
    public required string CallIndex { get; init; }

    public required string Attempt { get; init; }

    public string Agent { get; init; } = "kgent";

    public required string Model { get; init; }

    public required string ModelServed { get; init; }

    public required string Provider { get; init; }

    /// <summary><c>completed</c>, <c>upstream_error</c>, <c>reply_too_long</c>, <c>interrupted</c> or <c>client_cancelled</c>.</summary>
    public required string Outcome { get; init; }

    public required string Billable { get; init; }

    /// <summary><c>provider</c>, <c>counted</c> or <c>none</c>.</summary>
    public required string UsageSource { get; init; }

    public string Requests { get; init; } = "1";

    public required string DurationMs { get; init; }

    public required string InputTokensUncached { get; init; }

    public required string CacheReadTokens { get; init; }

    public required string CacheWriteTokens { get; init; }

    public required string OutputTokensVisible { get; init; }

    public required string ReasoningTokens { get; init; }

    public required string InputTokens { get; init; }

    public required string OutputTokens { get; init; }

    public required string TotalTokens { get; init; }
}
