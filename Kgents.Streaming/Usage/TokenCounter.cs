using System.Collections.Concurrent;
using Microsoft.ML.Tokenizers;

namespace Kgents.Streaming.Usage;

/// <summary>Counts text as a model reads it: by the model's own encoding where it is public, which is so for OpenAI's, else by o200k_base, which is near to it.</summary>
internal sealed class TokenCounter
{
    private const string StandardEncoding = "o200k_base";

    /// <summary>Characters that are counted at once. The time for a word grows with the square of its length, and nobody keeps a model from making one of a million letters.</summary>
    private const int LongestPiece = 1024;

    private readonly ConcurrentDictionary<string, Tokenizer> tokenizers = new();

    public int Count(string model, ReadOnlySpan<char> text)
    {
        var tokenizer = Load(model);
        var tokens = 0;
        while (!text.IsEmpty)
        {
            var end = EndOfPiece(text);
            tokens += tokenizer.CountTokens(text[..end]);
            text = text[end..];
        }

        return tokens;
    }

    /// <summary>Where the first so many tokens of a text end.</summary>
    public int EndOf(string model, ReadOnlySpan<char> text, int tokens)
    {
        var tokenizer = Load(model);
        var begin = 0;
        while (begin < text.Length)
        {
            var piece = text[begin..][..EndOfPiece(text[begin..])];
            var counted = tokenizer.CountTokens(piece);
            if (counted > tokens)
            {
                var end = begin + tokenizer.GetIndexByTokenCount(piece, tokens, out _, out _);
                return end > 0 && char.IsHighSurrogate(text[end - 1]) ? end - 1 : end;
            }

            tokens -= counted;
            begin += piece.Length;
        }

        return text.Length;
    }

    /// <summary>Reads the encoding, which takes a while the first time, and keeps it.</summary>
    public Tokenizer Load(string model) => tokenizers.GetOrAdd(model, Create);

    private static Tokenizer Create(string model)
    {
        try
        {
            // Gateways put the maker before the name: openai/gpt-4o.
            return TiktokenTokenizer.CreateForModel(model[(model.LastIndexOf('/') + 1)..]);
        }
        catch (Exception exception) when (exception is NotSupportedException or ArgumentException)
        {
            return TiktokenTokenizer.CreateForEncoding(StandardEncoding);
        }
    }

    /// <summary>Where no encoding joins what is before with what is after, if there is such a place: between a word and the white space or the mark behind it.</summary>
    private static int EndOfPiece(ReadOnlySpan<char> text)
    {
        if (text.Length <= LongestPiece)
        {
            return text.Length;
        }

        for (var end = LongestPiece; end > LongestPiece / 2; end--)
        {
            if (char.IsLetterOrDigit(text[end - 1]) && (char.IsWhiteSpace(text[end]) || (char.IsPunctuation(text[end]) && text[end] is not ('\'' or '’'))))
            {
                return end;
            }
        }

        return char.IsHighSurrogate(text[LongestPiece - 1]) ? LongestPiece - 1 : LongestPiece;
    }
}
