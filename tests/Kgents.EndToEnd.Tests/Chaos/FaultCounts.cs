using System.Collections.Concurrent;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>How often what was done to a system.</summary>
internal sealed class FaultCounts
{
    private readonly ConcurrentDictionary<string, int> counts = new();

    public IReadOnlyDictionary<string, int> All => counts;

    public void Add(string what, int times = 1) => counts.AddOrUpdate(what, times, (_, count) => count + times);
}
