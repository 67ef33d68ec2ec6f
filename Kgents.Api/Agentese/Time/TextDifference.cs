using System.Text.Json.Nodes;
using DiffPlex;

namespace Kgents.Api.Agentese;

/// <summary>How one text became another, word by word.</summary>
internal static class TextDifference
{
    /// <summary>Of both texts; more are not compared but replaced.</summary>
    private const int MostWords = 8_000;

    /// <summary>Pieces in their order, each <c>same</c>, <c>removed</c> or <c>added</c>.</summary>
    public static JsonArray Of(string before, string after)
    {
        var pieces = new JsonArray();
        if (Words.Of(before).Count + Words.Of(after).Count > MostWords)
        {
            Add(pieces, "removed", [before]);
            Add(pieces, "added", [after]);
            return pieces;
        }

        var found = Differ.Instance.CreateDiffs(before, after, ignoreWhiteSpace: false, ignoreCase: false, Words.Chunker);
        var (old, now) = (found.PiecesOld, found.PiecesNew);
        var same = 0;
        foreach (var block in found.DiffBlocks)
        {
            Add(pieces, "same", old.Take(same..block.DeleteStartA));
            Add(pieces, "removed", old.Take(block.DeleteStartA..(same = block.DeleteStartA + block.DeleteCountA)));
            Add(pieces, "added", now.Take(block.InsertStartB..(block.InsertStartB + block.InsertCountB)));
        }

        Add(pieces, "same", old.Take(same..));
        return pieces;
    }

    private static void Add(JsonArray pieces, string kind, IEnumerable<string> words)
    {
        if (string.Concat(words) is { Length: > 0 } text)
        {
            pieces.Add((JsonNode)new JsonObject { ["kind"] = kind, ["text"] = text });
        }
    }

    /// <summary>Each with the white space before it: together they are the text again.</summary>
    private sealed class Words : IChunker
    {
        public static readonly Words Chunker = new();

        public static IReadOnlyList<string> Of(string text) => Chunker.Chunk(text);

        public IReadOnlyList<string> Chunk(string text)
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
}
