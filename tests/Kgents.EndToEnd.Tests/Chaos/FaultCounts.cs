using System.Collections.Concurrent;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>How often what was done to a system.</summary>
internal sealed class FaultCounts
{
    private readonly ConcurrentDictionary<string, int> counts = new();

    private readonly ConcurrentQueue<(string Project, DateTimeOffset From, DateTimeOffset To)> frozen = new();

    public IReadOnlyDictionary<string, int> All => counts;

    public void Add(string what, int times = 1) => counts.AddOrUpdate(what, times, (_, count) => count + times);

    public void AddFrozen(string project, DateTimeOffset from, DateTimeOffset to) => frozen.Enqueue((project, from, to));

    /// <summary>Whether a process of the project was frozen at some time between these.</summary>
    public bool WasFrozen(string project, DateTimeOffset from, DateTimeOffset to) => frozen.Any(each => each.Project == project && each.From <= to && each.To >= from);
}
