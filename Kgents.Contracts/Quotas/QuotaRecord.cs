namespace Kgents.Contracts;

/// <summary>What a tenant has used of its month, and what its open turns may still use.</summary>
/// <param name="Period">The month of UTC, as <c>2026-11</c>.</param>
/// <param name="Settled">Tokens of the period's turns that have ended.</param>
/// <param name="Open">By their ids, the turns that have not.</param>
public sealed record QuotaRecord(string Period, long Settled, IReadOnlyDictionary<string, OpenTurn> Open)
{
    /// <summary>The tokens of a month by the tenant's plan when the last turn took its place, or was refused one; 0 for no limit.</summary>
    public long Limit { get; init; }

    /// <summary>When a turn was first refused in this period because too little was left for it, whatever other turns hold; null while none was.</summary>
    public DateTimeOffset? RefusedAt { get; init; }

    /// <summary>When what is settled was last compared with what was recorded.</summary>
    public DateTimeOffset? RebasedAt { get; init; }
}

/// <summary>A turn that holds a place, and tokens.</summary>
/// <param name="Tokens">The most that it may use.</param>
public sealed record OpenTurn(SessionId Session, long Tokens, DateTimeOffset Since);
