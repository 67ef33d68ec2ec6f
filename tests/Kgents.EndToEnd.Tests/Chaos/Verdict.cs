namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What was counted, and every breach of what must always hold.</summary>
internal sealed class Verdict
{
    private const int Shown = 40;
    private readonly List<(string What, long Count)> counts = [];
    private readonly List<string> breaches = [];
    private readonly List<(string Rule, int Breaches)> rules = [];

    public bool IsClean => breaches.Count == 0;

    public void Count(string what, long count) => counts.Add((what, count));

    /// <summary>A rule, and what breaks it.</summary>
    public void Rule(string rule, IEnumerable<string> breaking)
    {
        var found = breaking.ToList();
        rules.Add((rule, found.Count));
        breaches.AddRange(found.Select(each => $"{rule}: {each}"));
    }

    public long Of(string what) => counts.Where(count => count.What == what).Sum(count => count.Count);

    public override string ToString() => string.Join('\n',
    [
        .. counts.Select(count => $"  {count.Count,8:N0}  {count.What}"),
        "",
        .. rules.Select(rule => $"  {rule.Breaches,8:N0}  breaches of: {rule.Rule}"),
        .. breaches.Take(Shown).Select(breach => $"  ! {breach}"),
        .. breaches.Count > Shown ? new[] { $"  ! and {breaches.Count - Shown:N0} more" } : [],
    ]);
}
