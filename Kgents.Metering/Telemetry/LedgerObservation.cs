namespace Kgents.Metering.Telemetry;

/// <summary>How things stand with the usage of a partition.</summary>
internal readonly record struct LedgerObservation(long Lag, long Unsettled, long Missing, long Drift, TimeSpan OldestAge);
