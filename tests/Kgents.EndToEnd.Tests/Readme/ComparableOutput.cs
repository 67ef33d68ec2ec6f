using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kgents.EndToEnd.Tests.Readme;

/// <summary>Output without what differs from run to run: ids, instants, sequences, what is left of a limit, and where the answer was cut into chunks.</summary>
internal static partial class ComparableOutput
{
    private const string Chunk = "event: chunk";
    private const string Data = "data: ";

    public static IReadOnlyList<string> Of(IEnumerable<string> output)
    {
        var lines = output.Select(Neutral).ToList();
        while (lines.Count > 0 && lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return Fold(lines);
    }

    private static string Neutral(string line)
    {
        line = Id.Replace(line.TrimEnd(), "${kind}-…");
        line = Instant.Replace(line, "<instant>");
        line = Left.Replace(line, "${what}<number>");
        line = Chunks.Replace(line, "\"chunks\":<count>");
        return Sequence.Replace(line, "id: <sequence>");
    }

    /// <summary>A run of chunk events becomes one line with all their text.</summary>
    private static List<string> Fold(List<string> lines)
    {
        var folded = new List<string>();
        for (var index = 0; index < lines.Count; index++)
        {
            if (index + 1 >= lines.Count || lines[index + 1] != Chunk)
            {
                folded.Add(lines[index]);
                continue;
            }

            // id, event, data, and the empty line that ends an event.
            var text = JsonElement.Parse(lines[index + 2][Data.Length..]).GetProperty("text").GetString();
            if (folded.LastOrDefault() is { } last && last.StartsWith(Chunk, StringComparison.Ordinal))
            {
                folded[^1] = last + text;
            }
            else
            {
                folded.Add($"{Chunk} {text}");
            }

            index += 3;
        }

        return folded;
    }

    [GeneratedRegex(@"\b(?<kind>s\d{1,3}|[tau])-(?:[0-9a-f]{32}\b|[0-9a-f]*…)")]
    private static partial Regex Id { get; }

    [GeneratedRegex(@"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")]
    private static partial Regex Instant { get; }

    [GeneratedRegex(@"(?<what>;[rt]=|^X-RateLimit-(?:Remaining|Reset): |^Retry-After: )\d+")]
    private static partial Regex Left { get; }

    [GeneratedRegex("\"chunks\":\\d+")]
    private static partial Regex Chunks { get; }

    [GeneratedRegex(@"^id: \d+$")]
    private static partial Regex Sequence { get; }
}
