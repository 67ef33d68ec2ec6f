using Kgents.Streaming.Usage;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Streaming.Usage;

public sealed class TokenCounterTests
{
    private const string Sentence = "Don't count the words, you'll see: 你好吗 ünï👩‍👩‍👧 1,234.5!\n\n";

    private readonly TokenCounter counter = new();

    /// <summary>Published numbers of tiktoken for these texts.</summary>
    [Theory]
    [InlineData("gpt-4o", "hello world", 2)]
    [InlineData("gpt-4", "hello world", 2)]
    [InlineData("gpt-4", "tiktoken is great!", 6)]
    [InlineData("gpt-4o", "tiktoken is great!", 6)]
    [InlineData("gpt-4", "お誕生日おめでとう", 9)]
    [InlineData("gpt-4o", "お誕生日おめでとう", 8)]
    [InlineData("openai/gpt-4", "お誕生日おめでとう", 9)]
    [InlineData("claude-of-some-kind", "お誕生日おめでとう", 8)]
    [InlineData("gpt-4o", "", 0)]
    public void Text_IsCountedByTheModelsEncoding(string model, string text, int tokens) => Assert.Equal(tokens, counter.Count(model, text));

    [Fact]
    public void LongText_HasAsManyTokensAsItsSentences()
    {
        var one = counter.Count("gpt-4o", Sentence);

        Assert.Equal(one * 2000, counter.Count("gpt-4o", string.Concat(Enumerable.Repeat(Sentence, 2000))));
    }

    /// <summary>Without pieces this takes minutes: the time for one word grows with the square of its length.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("a")]
    [InlineData("!")]
    [InlineData("好")]
    [InlineData("\ud83d\ude00")]
    public async Task LongWord_IsCountedToo(string part)
    {
        await Task.Yield();
        var tokens = counter.Count("gpt-4o", string.Concat(Enumerable.Repeat(part, 400_000 / part.Length)));

        Assert.InRange(tokens, 1000, 1_200_000);
    }
}
