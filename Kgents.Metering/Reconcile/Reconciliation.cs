using System.Text.Json;
using Kgents.Contracts;

namespace Kgents.Metering.Reconcile;

/// <summary>What is compared: the usage of a tenant with a model in an hour, by type of event.</summary>
internal readonly record struct ReconciledGroup(TenantId Tenant, string Hour, string Model, string Type)
{
    public static ReconciledGroup Of(UsageTotal used) => new(used.Tenant, used.Hour, used.Model, used.Type);
}

/// <summary>What one side has of a group: its quantity is in tokens, requests or turns, as the type of event is.</summary>
internal readonly record struct ReconciledSum(long Events, decimal Quantity)
{
    public ReconciledSum Plus(decimal quantity) => new(Events + 1, Quantity + quantity);
}

/// <summary>A group, side by side. The token log is kept for a day at most, and goes with its session: less in it is no difference.</summary>
internal sealed record ReconciledRow(ReconciledGroup Group)
{
    public ReconciledSum Log { get; set; }

    public ReconciledSum Ledger { get; set; }

    public ReconciledSum OpenMeter { get; set; }

    /// <summary>All that the ledger's events of the group have, by bucket; null for none.</summary>
    public UsageTotal? Counted { get; set; }

    /// <summary>What OpenMeter's meter sums of the group, in all partitions; null when it is not compared, or there is none.</summary>
    public decimal? Meter { get; set; }
}

/// <summary>One event on which the sides differ.</summary>
/// <param name="Sequence">In KGENTS_USAGE; 0 for one that is not there.</param>
/// <param name="ReissuedAs">The id under which an operator had it sent.</param>
internal sealed record Difference(ulong Sequence, string Id, ReconciledGroup Group, decimal Quantity, Cause Cause, string? ReissuedAs = null);

/// <summary>Why the sides differ on an event.</summary>
internal enum Cause
{
    /// <summary>A turn committed it, and nobody has recorded it yet: its worker, or the sweeper, does.</summary>
    NotRecorded,

    /// <summary>It is in the ledger, and was not sent yet.</summary>
    Waiting,

    /// <summary>It was sent, and OpenMeter does not show it yet.</summary>
    Unconfirmed,

    /// <summary>A turn committed it, and nobody has recorded it for longer than that takes.</summary>
    Unrecorded,

    /// <summary>The ledger has another event under the id of the one that a turn committed.</summary>
    Conflicting,

    /// <summary>OpenMeter will not take it: it is a dead letter that somebody has to decide on.</summary>
    Refused,

    /// <summary>Somebody gave it up.</summary>
    Discarded,

    /// <summary>OpenMeter said twice that it took it, and does not show it.</summary>
    Missing,

    /// <summary>OpenMeter showed it once, and does not any more.</summary>
    Vanished,

    /// <summary>OpenMeter shows it more than once.</summary>
    Doubled,

    /// <summary>OpenMeter shows it, and says that it counts nothing for it.</summary>
    Uncounted,

    /// <summary>OpenMeter shows it with another quantity than it was sent with.</summary>
    Altered,
}

/// <summary>Token log, ledger and OpenMeter, compared over some hours.</summary>
/// <param name="LogFrom">Since when the token log has anything; null when it is empty.</param>
/// <param name="LogRead">Entries of the token log that were read.</param>
internal sealed record Reconciliation(string From, string To, DateTimeOffset? LogFrom, IReadOnlyList<ReconciledRow> Rows, ReconciledDifferences Differences, long LogRead = 0)
{
    /// <summary>True of what mends itself.</summary>
    public static bool IsUnderWay(Cause cause) => cause is Cause.NotRecorded or Cause.Waiting or Cause.Unconfirmed;

    /// <summary>As it is told to tenants.</summary>
    public static string NameOf(Cause cause) => JsonNamingPolicy.SnakeCaseLower.ConvertName(cause.ToString());
}
