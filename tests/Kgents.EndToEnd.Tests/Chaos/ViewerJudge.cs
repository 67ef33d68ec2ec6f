namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Holds what each viewer has seen, over all its connections, against the stored log.</summary>
internal static class ViewerJudge
{
    public static void Judge(Verdict verdict, StoredLog log, IReadOnlyList<Viewer> ofTurns, IReadOnlyList<(string Session, Viewer Viewer)> ofSessions)
    {
        IReadOnlyList<(Viewer Viewer, IReadOnlyList<LogEntry> Truth)> all =
        [
            .. ofTurns.Select(viewer => (viewer, Shown(log.OfTurns[viewer.Name]))),
            .. ofSessions.Select(each => (each.Viewer, Shown(log.OfSessions[each.Session]))),
        ];
        verdict.Count("viewers of turns", ofTurns.Count);
        verdict.Count("viewers of sessions", ofSessions.Count);
        verdict.Count("connections of viewers", all.Sum(each => each.Viewer.Connections));
        verdict.Count("events seen by viewers", all.Sum(each => each.Viewer.Seen.Count));
        verdict.Rule("a viewer loses no event", all.SelectMany(each => Lost(each.Viewer, each.Truth)));
        verdict.Rule("a viewer gets no event twice", all.SelectMany(each => Repeated(each.Viewer)));
        verdict.Rule("a viewer gets events in their order", all.SelectMany(each => Reordered(each.Viewer)));
        verdict.Rule("a viewer gets what is stored, to the byte", all.SelectMany(each => Changed(each.Viewer, each.Truth)));
        verdict.Rule("a session's stream names the turn of each event", ofSessions.SelectMany(each => Misnamed(each.Viewer, log)));
        verdict.Rule("a viewer gets no other answer", all.SelectMany(each => each.Viewer.Faults.Select(fault => $"{each.Viewer.Name} {fault}")));
    }

    private static IReadOnlyList<LogEntry> Shown(IEnumerable<LogEntry> entries) => [.. entries.Where(entry => entry.Name is not null)];

    private static IEnumerable<string> Lost(Viewer viewer, IReadOnlyList<LogEntry> truth)
    {
        var seen = viewer.Seen.Select(each => each.Id).ToHashSet();
        return from entry in truth
               where !seen.Contains(entry.Sequence)
               select $"{viewer.Name} lost {entry.Kind} {entry.Sequence} of {entry.Turn} (it has {seen.Count} of {truth.Count} and is at {viewer.LastId})";
    }

    private static IEnumerable<string> Repeated(Viewer viewer) =>
        viewer.Seen.GroupBy(each => each.Id).Where(group => group.Count() > 1).Select(group => $"{viewer.Name} got {group.Key} {group.Count()} times");

    private static IEnumerable<string> Reordered(Viewer viewer)
    {
        var ids = viewer.Seen.Select(each => each.Id).Distinct().ToList();
        return ids.Zip(ids.Skip(1)).Where(pair => pair.Second < pair.First).Select(pair => $"{viewer.Name} got {pair.Second} after {pair.First}");
    }

    private static IEnumerable<string> Changed(Viewer viewer, IReadOnlyList<LogEntry> truth)
    {
        var stored = truth.ToDictionary(entry => entry.Sequence);
        return viewer.Seen.Where(seen => !stored.TryGetValue(seen.Id, out var entry) || !entry.IsShownAs(seen)).Select(seen => $"{viewer.Name} got {seen}");
    }

    private static IEnumerable<string> Misnamed(Viewer viewer, StoredLog log)
    {
        var turns = log.Entries.ToDictionary(entry => entry.Sequence, entry => entry.Turn);
        return viewer.Seen.Where(seen => seen.Turn != turns.GetValueOrDefault(seen.Id)).Select(seen => $"{viewer.Name} got {seen.Id} under {seen.Turn}");
    }
}
