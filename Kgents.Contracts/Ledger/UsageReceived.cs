using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>A range of <c>KGENTS_USAGE</c>: <paramref name="From"/> is one more than the range before it ended with.</summary>
/// <param name="Totals">The new running total of every tenant, hour, model and type that the range adds to.</param>
public sealed record UsageReceived(ulong From, ulong To, IReadOnlyList<ReceivedEvent> Events, IReadOnlyList<UsageTotal> Totals) : LedgerEntry;

/// <summary>One event of a range.</summary>
/// <param name="Hash">SHA-256 of its bytes, in hex.</param>
/// <param name="Hour">The UTC hour of its time, as <c>2026-01-02T03</c>; empty when it has none that can be read.</param>
/// <param name="State">Nothing for an event that counts; otherwise <see cref="Duplicate"/> or <see cref="Quarantined"/>.</param>
public sealed record ReceivedEvent(ulong Sequence, string Id, string Hash, string Hour, string? State = null, string? Reason = null)
{
    /// <summary>The same id and the same bytes as an earlier event: counted once, sent once.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>Not an event, or another event's id: neither counted nor sent; kept as a dead letter.</summary>
    public const string Quarantined = "quarantined";

    [JsonIgnore]
    public bool Counts => State is null;
}
