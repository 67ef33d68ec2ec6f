using System.Text.Json.Serialization;

namespace Kgents.Contracts;

/// <summary>
/// An entry of a usage ledger, <c>kgents.ledger.{p}</c>. Entries are only ever appended; each has the SHA-256 of the one before it, so none
/// can be changed, left out or put in between without everyone who reads the ledger seeing it.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(LedgerOpened), "opened")]
[JsonDerivedType(typeof(UsageReceived), "received")]
[JsonDerivedType(typeof(UsageSending), "sending")]
[JsonDerivedType(typeof(UsageAccepted), "accepted")]
[JsonDerivedType(typeof(UsageConfirmed), "confirmed")]
[JsonDerivedType(typeof(UsageParked), "parked")]
[JsonDerivedType(typeof(UsageRefused), "refused")]
[JsonDerivedType(typeof(UsageMissing), "missing")]
[JsonDerivedType(typeof(UsageReplayed), "replayed")]
[JsonDerivedType(typeof(UsageDiscarded), "discarded")]
[JsonDerivedType(typeof(UsageReissued), "reissued")]
[JsonDerivedType(typeof(UsageReopened), "reopened")]
[JsonDerivedType(typeof(LedgerSnapshot), "snapshot")]
public abstract record LedgerEntry
{
    /// <summary>From 1, without a gap.</summary>
    [JsonPropertyOrder(-5)]
    public long Number { get; init; }

    /// <summary>SHA-256 of the bytes of the entry before this one, in hex; empty for the first.</summary>
    [JsonPropertyOrder(-4)]
    public string Previous { get; init; } = "";

    /// <summary>Sequence in the stream of the last <c>opened</c> or <c>snapshot</c>: who wants the state reads from there.</summary>
    [JsonPropertyOrder(-3)]
    public ulong Base { get; init; }

    /// <summary>A random id of who wrote this: it tells a writer's own entry from another's.</summary>
    [JsonPropertyOrder(-2)]
    public string Writer { get; init; } = "";

    [JsonPropertyOrder(-1)]
    public DateTimeOffset At { get; init; }
}
