using System.Text;
using Kgents.Contracts;
using Kgents.Streaming.Models;
using Kgents.Streaming.Usage;

namespace Kgents.Tests.Streaming.Usage;

/// <summary>What a long turn tells of itself is near to the truth, however fast it grows.</summary>
public sealed class RunningCountTests
{
    private const string Sentence = "The quick brown fox jumps over the lazy dog, and nobody asked it to. ";

    private readonly TokenCounter counter = new();

    /// <summary>In steps that are counted whole, and in one of which a part is counted.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    public void Count_IsNearToTheWhole_HoweverMuchCameSince(int sentences)
    {
        var running = new RunningCount(new CallMeter(LanguageModel.Persona), counter);
        var text = new StringBuilder();
        var told = TokenCounts.None;
        for (var step = 0; step < 3; step++)
        {
            text.Insert(text.Length, Sentence, sentences);
            told = running.Count(text);
        }

        var whole = counter.Count(LanguageModel.Persona.Name, text.ToString());
        Assert.InRange(told.Output, (int)(0.97 * whole), (int)(1.03 * whole));
        Assert.Equal(TokenCounts.Estimated, told.Basis);
        Assert.Equal(told.Output, running.Count(text).Output);
    }
}
