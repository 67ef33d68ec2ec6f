namespace Kgents.Contracts;

/// <summary>What was taken from a bucket of requests, which fills again with time.</summary>
/// <param name="Spent">Requests that were missing from it then, and parts of one.</param>
public sealed record RequestRateRecord(double Spent, DateTimeOffset At);
