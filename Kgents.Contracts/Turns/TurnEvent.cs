using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>One entry of a turn's log. The hierarchy is closed: who switches over it knows every case.</summary>
public abstract record TurnEvent
{
    private protected TurnEvent()
    {
    }

    /// <summary>Exactly one event of a turn is terminal, and it is the last.</summary>
    [JsonIgnore]
    public bool IsTerminal => this is TurnCompleted or TurnFailed or TurnCancelled;
}

/// <summary>A worker began; <paramref name="Model"/> is who answers.</summary>
public sealed record TurnAccepted(TurnId TurnId, int Attempt, string Model) : TurnEvent;

/// <summary>A piece of the answer; <paramref name="Index"/> counts from 0 within an attempt.</summary>
public sealed record TurnChunk(string Text, int Index) : TurnEvent;

/// <summary>What the turn has used so far, while it goes on: an estimate, which nothing is billed by.</summary>
/// <param name="Final">Always false: the final counts are those of the commit.</param>
public sealed record TurnUsage(TokenCounts Tokens, bool Final) : TurnEvent;

/// <summary>The worker died and another began anew: what chunks said so far no longer counts.</summary>
public sealed record TurnRestarted(int Attempt) : TurnEvent;

/// <summary>The worker was told to stop and left the turn to another: that it was begun does not count as an attempt. Clients do not see it.</summary>
public sealed record TurnHandedOver : TurnEvent;

/// <summary>The turn is decided: nobody runs the model for it again, and everything below is derived from this.</summary>
/// <param name="TextHash">SHA-256, in hex, of the answer's UTF-8.</param>
/// <param name="UsageEvents">The exact bytes, as text, of every usage event of the turn.</param>
public sealed record TurnCommitted(
    TurnStatus Status,
    string? ErrorCode,
    string MessageId,
    string TextHash,
    int Chunks,
    int Attempt,
    string Model,
    TokenCounts Tokens,
    DateTimeOffset CommittedAt,
    IReadOnlyList<UsagePayload> UsageEvents) : TurnEvent
{
    /// <summary>One of <see cref="FinishReasons"/>; null when the turn did not complete.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Of a turn that judged an operation: what is kept of it for audit. Null for every other turn.</summary>
    public GovernanceDecision? Decision { get; init; }
}

/// <summary>The answer is whole, stored and counted.</summary>
public sealed record TurnCompleted(string Text, TokenCounts Tokens, int Chunks, string MessageId, string Model) : TurnEvent
{
    /// <summary>One of <see cref="FinishReasons"/>.</summary>
    public string? FinishReason { get; init; }
}

/// <summary>The turn failed; <paramref name="Message"/> is a sentence for people and holds no internals.</summary>
public sealed record TurnFailed(string Code, string Message) : TurnEvent;

/// <summary>Somebody cancelled the turn.</summary>
public sealed record TurnCancelled(string MessageId, TokenCounts Tokens) : TurnEvent;
