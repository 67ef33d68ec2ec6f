namespace Kgents.Metering.Telemetry;

/// <summary>How things stand with the usage of a partition.</summary>
/// <param name="NotEntered">Messages of the stream that the ledger is behind.</param>
/// <param name="Lag">Events that were not sent, those that are not entered among them.</param>
/// <param name="OldestAge">Of what is not settled; zero when all is.</param>
internal readonly record struct LedgerObservation(long NotEntered, long Lag, long Unsettled, long Missing, long Drift, TimeSpan OldestAge);
