using CsCheck;
using Kgents.Api.Agentese;

namespace Kgents.Tests.Api.Agentese;

/// <summary>What a difference says, made again from its pieces.</summary>
public sealed class TextDifferenceTests
{
    private static readonly Gen<string> Text = Gen.OneOf("a", "b", "cc", " ", "  ", "\n", "é").Array[0, 14].Select(string.Concat);

    [Fact]
    public void Pieces_AreBothTexts_AndNoMoreThanIsNeeded() => Gen.Select(Text, Text).Sample((before, after) =>
    {
        var pieces = TextDifference.Of(before, after).Select(piece => (Kind: piece!["kind"]!.GetValue<string>(), Text: piece["text"]!.GetValue<string>())).ToList();
        return string.Concat(pieces.Where(piece => piece.Kind != "added").Select(piece => piece.Text)) == before
            && string.Concat(pieces.Where(piece => piece.Kind != "removed").Select(piece => piece.Text)) == after
            && pieces.Zip(pieces.Skip(1)).All(pair => pair.First.Kind != pair.Second.Kind)
            && (before != after || pieces.All(piece => piece.Kind == "same"));
    });

    [Fact]
    public void Texts_ThatAreTooLongToCompare_ReplaceEachOther()
    {
        string Words(string word) => string.Concat(Enumerable.Repeat($" {word}", 5_000));

        var pieces = TextDifference.Of($"first{Words("a")} last", $"first{Words("b")} last").Select(piece => piece!["kind"]!.GetValue<string>());

        Assert.Equal(["removed", "added"], pieces);
    }
}
