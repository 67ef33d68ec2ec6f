namespace Kgents.Contracts;

/// <summary>Who holds a lease, for as long as it writes this anew.</summary>
/// <param name="Holder">A random id; empty when the holder gave it back.</param>
public sealed record LeaseRecord(string Holder, long Renewal);
