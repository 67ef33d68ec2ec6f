using Kgents.Streaming.Usage;

namespace Kgents.Tests.Streaming.Usage;

public sealed class OutputBoundTests
{
    private const string Model = "gpt-4o";
    private static readonly string Text = string.Join(' ', Enumerable.Repeat("The quick brown fox – 狐 🦊 – jumps over 12345 lazy dogs.", 60));

    private readonly TokenCounter counter = new();

    /// <summary>By the letter there are many more pieces than tokens: the text counts, and not how it came.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(700)]
    [InlineData(100_000)]
    public void Text_IsAdmittedUpToItsTokens_HoweverItComes(int size)
    {
        const int Most = 300;
        var bound = new OutputBound(counter, Model, Most);
        var admitted = "";
        foreach (var piece in Text.Chunk(size).Select(chars => new string(chars)))
        {
            var part = bound.Admit(piece);
            admitted += part;
            if (part.Length < piece.Length)
            {
                break;
            }
        }

        Assert.StartsWith(admitted, Text, StringComparison.Ordinal);
        Assert.InRange(counter.Count(Model, admitted), Most - 5, Most);
    }

    /// <summary>An answer of nothing costs nothing, and so would its prompt.</summary>
    [Fact]
    public void FirstCharacter_IsAdmitted_AlsoWhenItHasMoreTokensThanAreLeft()
    {
        const string Emoji = "\U0001FAE0";
        Assert.True(counter.Count(Model, Emoji) > 1);
        var bound = new OutputBound(counter, Model, 1);

        Assert.Equal(Emoji, bound.Admit($"{Emoji} and more"));
        Assert.Equal("", bound.Admit(Emoji));
    }

    [Fact]
    public void Text_IsAdmittedWhole_WhenItHasAsManyTokensAsMayBe()
    {
        var bound = new OutputBound(counter, Model, counter.Count(Model, Text));

        Assert.All(Text.Chunk(3).Select(chars => new string(chars)), piece => Assert.Equal(piece, bound.Admit(piece)));
    }
}
