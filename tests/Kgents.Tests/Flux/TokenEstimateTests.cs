using Kgents.Flux;
using Microsoft.ML.Tokenizers;

namespace Kgents.Tests.Flux;

/// <summary>The estimate against real tokenizers: never below, and not absurdly above for plain text.</summary>
public sealed class TokenEstimateTests
{
    private static readonly Tokenizer[] Real = [TiktokenTokenizer.CreateForEncoding("o200k_base"), TiktokenTokenizer.CreateForEncoding("cl100k_base")];

    public static readonly TheoryData<string> Texts =
    [
        "",
        " ",
        "Hello there.",
        "I keep putting this off, and I do not know why; every evening I tell myself that tomorrow will be different, and every morning it is not.",
        "antidisestablishmentarianism, pseudopseudohypoparathyroidism, floccinaucinihilipilification",
        "public static async Task<IReadOnlyList<TurnId>> ReadAsync(CancellationToken cancellationToken) => await reader.ReadAsync(stream, 1, 0).ToListAsync();\n\n        // why?\n",
        """{"id":"10b0bcac-73f0-535c-bbe2-1abc688f89b3","n":[1,22,333,4444,55555],"x":-1.5e-10}""",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ",
        "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899",
        "Ich weiß nicht, was soll es bedeuten, daß ich so traurig bin; Übergrößenträger, Straßenbahnhaltestelle.",
        "Я помню чудное мгновенье: передо мной явилась ты, как мимолётное виденье, как гений чистой красоты.",
        "我知道这很难，但是我们必须今天开始。明天和意外，你永远不知道哪一个先来。",
        "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
        "안녕하세요, 오늘은 무엇을 하고 싶으세요?",
        "مرحبا، كيف حالك اليوم؟ أريد أن أتحدث عن شيء مهم.",
        "नमस्ते, आज आप कैसे हैं? मुझे आपसे कुछ ज़रूरी बात करनी है।",
        "😀👩‍👩‍👧‍👦🏳️‍🌈🇩🇪 ok 👍🏽",
        "a\tb\r\n\r\n    indented\n\n\n\n        more",
        "!!!??? ---- ==== *** /// \\\\\\ <<<>>> ((([[[{{{",
        "SCREAMING_SNAKE_CASE and camelCaseWithManyHumps and kebab-case-too",
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Estimate_IsNotBelowTheRealCount(string text) => Assert.All(Real, tokenizer => Assert.InRange(tokenizer.CountTokens(text), 0, TokenEstimate.Of(text)));

    [Fact]
    public void Estimate_OfEnglish_IsAboutTwiceTheRealCount()
    {
        const string Text = "I keep putting this off, and I do not know why; every evening I tell myself that tomorrow will be different, and every morning it is not.";

        Assert.InRange((double)TokenEstimate.Of(Text) / Real[0].CountTokens(Text), 1, 2.5);
    }
}
