namespace Kgents.Contracts;

/// <summary>What became of a <see cref="UsageOperation"/>.</summary>
/// <param name="Outcome">One of <see cref="UsageAnswerOutcomes"/>.</param>
/// <param name="Why">Of one that was refused, for the operator.</param>
public sealed record UsageAnswer(string Outcome, string? Why = null)
{
    /// <summary>Of a list, and the one that was inspected.</summary>
    public IReadOnlyList<UndeliveredUsage>? DeadLetters { get; init; }

    /// <summary>Of a list that goes on: what the next one is asked with.</summary>
    public ulong? Next { get; init; }

    /// <summary>Of a correction: the sequence and the id of its event, and whether it is new.</summary>
    public ulong? Sequence { get; init; }

    public string? Id { get; init; }

    public bool? IsNew { get; init; }
}

public static class UsageAnswerOutcomes
{
    public const string Done = "done";
    public const string NotFound = "not_found";
    public const string Refused = "refused";

    /// <summary>Replicas wrote to the ledger at the same time, again and again: nothing was done.</summary>
    public const string Busy = "busy";

    /// <summary>It went wrong, and it is not known what was done.</summary>
    public const string Failed = "failed";
}

/// <summary>A usage event that could not be billed.</summary>
/// <param name="State"><c>refused</c>, <c>quarantined</c>, or <c>decided</c>.</param>
/// <param name="Payload">Its bytes, as text; only when it is inspected.</param>
public sealed record UndeliveredUsage(ulong Sequence, TenantId Tenant, string State, string Reason, DateTimeOffset At, string? Payload = null);
