using Microsoft.ML.Tokenizers;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Counts text as Kgents says that it does where a model's own encoding is not public.</summary>
internal static class Tokens
{
    private static readonly TiktokenTokenizer Tokenizer = TiktokenTokenizer.CreateForEncoding("o200k_base");

    public static int In(string text) => Tokenizer.CountTokens(text);
}
