using System.Text.Json.Nodes;

namespace Kgents.Api.Agentese;

/// <summary>How one text became another, word by word.</summary>
internal static class TextDifference
{
    /// <summary>Of one text against the other; more are not compared but replaced.</summary>
    private const long MostPairs = 4_000_000;

    /// <summary>Pieces in their order, each <c>same</c>, <c>removed</c> or <c>added</c>.</summary>
    public static JsonArray Of(string before, string after)
    {
        var (a, b) = (Words(before), Words(after));
        var (start, end) = (0, 0);
        while (start < Math.Min(a.Count, b.Count) && a[start] == b[start])
        {
            start++;
        }

        while (end < Math.Min(a.Count, b.Count) - start && a[^(end + 1)] == b[^(end + 1)])
        {
            end++;
        }

        var pieces = new List<(string Kind, string Text)>();
        Add(pieces, "same", a.Take(start));
        Compare(pieces, a.GetRange(start, a.Count - start - end), b.GetRange(start, b.Count - start - end));
        Add(pieces, "same", a.Skip(a.Count - end));
        return new JsonArray([.. pieces.Select(piece => (JsonNode)new JsonObject { ["kind"] = piece.Kind, ["text"] = piece.Text })]);
    }

    /// <summary>By the longest common subsequence.</summary>
    private static void Compare(List<(string Kind, string Text)> pieces, List<string> a, List<string> b)
    {
        if ((long)a.Count * b.Count > MostPairs)
        {
            Add(pieces, "removed", a);
            Add(pieces, "added", b);
            return;
        }

        var lengths = new int[a.Count + 1, b.Count + 1];
        for (var i = a.Count - 1; i >= 0; i--)
        {
            for (var j = b.Count - 1; j >= 0; j--)
            {
                lengths[i, j] = a[i] == b[j] ? lengths[i + 1, j + 1] + 1 : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
            }
        }

        for (int i = 0, j = 0; i < a.Count || j < b.Count;)
        {
            if (i < a.Count && j < b.Count && a[i] == b[j])
            {
                Add(pieces, "same", [a[i]]);
                (i, j) = (i + 1, j + 1);
            }
            else if (j == b.Count || (i < a.Count && lengths[i + 1, j] >= lengths[i, j + 1]))
            {
                Add(pieces, "removed", [a[i++]]);
            }
            else
            {
                Add(pieces, "added", [b[j++]]);
            }
        }
    }

    private static void Add(List<(string Kind, string Text)> pieces, string kind, IEnumerable<string> words)
    {
        if (string.Concat(words) is { Length: > 0 } text)
        {
            if (pieces.Count > 0 && pieces[^1].Kind == kind)
            {
                pieces[^1] = (kind, pieces[^1].Text + text);
            }
            else
            {
                pieces.Add((kind, text));
            }
        }
    }

    /// <summary>Each with the white space before it: together they are the text again.</summary>
    private static List<string> Words(string text)
    {
        var words = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            while (end < text.Length && !char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            words.Add(text[start..end]);
            start = end;
        }

        return words;
    }
}
