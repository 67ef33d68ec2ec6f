namespace Kgents.Api.Agentese;

/// <summary>What somebody who misspelt a name has perhaps meant.</summary>
internal static class Nearest
{
    /// <summary>Letters that may be wrong, missing or too many.</summary>
    private const int Farthest = 2;

    /// <summary>Null when none is near.</summary>
    public static string? Of(string name, IEnumerable<string> names) =>
        name.Length is 0 or > 40 ? null : names.Select(each => (Name: each, Distance: Distance(name, each))).Where(each => each.Distance <= Farthest && each.Distance < each.Name.Length)
            .OrderBy(each => each.Distance).ThenBy(each => each.Name, StringComparer.Ordinal).FirstOrDefault().Name;

    /// <summary>By Levenshtein.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                (row[j], diagonal) = (Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)), row[j]);
            }
        }

        return row[^1];
    }
}
