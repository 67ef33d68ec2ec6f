using System.Text;

namespace Kgents.Streaming.Usage;

/// <summary>Holds what a model says to a number of tokens, as they are counted here, whatever the model was told.</summary>
internal sealed class OutputBound(TokenCounter counter, string model, int most)
{
    private readonly StringBuilder said = new();

    /// <summary>Pieces that are counted apart are never fewer than the text has: it is counted whole only when these are too many.</summary>
    private int atMost;

    /// <summary>What of the text may be said: less than the text once the number is reached.</summary>
    public string Admit(string text)
    {
        said.Append(text);
        atMost += counter.Count(model, text);
        if (atMost <= most || (atMost = counter.Count(model, said.ToString())) <= most)
        {
            return text;
        }

        // One token may be left where the first character has three: that is said all the same. An answer of nothing costs nothing, so the month would pay for no prompt any more.
        var least = said.Length == text.Length ? FirstRune(text) : 0;
        var end = counter.EndOf(model, said.ToString(), most) - (said.Length - text.Length);
        return text[..Math.Max(end, least)];
    }

    private static int FirstRune(string text)
    {
        Rune.DecodeFromUtf16(text, out _, out var length);
        return length;
    }
}
