namespace Kgents.Contracts;

/// <summary>The last comparison of a tenant's usage in one partition, by hour, model and type: what its turns committed, what the ledger counts, what OpenMeter shows.</summary>
/// <param name="To">It is not in any more.</param>
/// <param name="At">When it was made.</param>
/// <param name="LogFrom">Since when there is a token log; null while it is empty.</param>
/// <param name="Usage">The latest hours first; only so many as one record can have.</param>
/// <param name="DifferenceCount">Events on which the sides differ; the first of them are listed.</param>
public sealed record ReconciliationRecord(
    int Partition,
    DateTimeOffset From,
    DateTimeOffset To,
    DateTimeOffset At,
    DateTimeOffset? LogFrom,
    IReadOnlyList<ReconciledUsage> Usage,
    int DifferenceCount,
    IReadOnlyList<ReconciledDifference> Differences);

/// <summary>What each side has of an hour, a model and a type of event.</summary>
/// <param name="Meter">What OpenMeter's meter sums, in all partitions; null where it is not compared, or there is none.</param>
public sealed record ReconciledUsage(DateTimeOffset Hour, string Model, string Type, ReconciledQuantity TokenLog, ReconciledQuantity Ledger, ReconciledQuantity OpenMeter, string? Meter = null);

/// <summary>As decimal strings: of tokens, requests or turns, as the type of event is.</summary>
public sealed record ReconciledQuantity(string Events, string Quantity);

/// <summary>An event on which they differ.</summary>
/// <param name="UnderWay">It mends itself.</param>
public sealed record ReconciledDifference(string Id, DateTimeOffset Hour, string Model, string Type, string Quantity, string Cause, bool UnderWay);
