using System.Text;
using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>
/// An estimate of what a turn has used so far, counted here whatever the provider reports. Each text is counted once, as it grows; of a long prompt, and where much has come since the last time, a part
/// is counted and stands for all, since counting costs more than everything else that is done with a token.
/// </summary>
internal sealed class RunningCount(CallMeter call, TokenCounter counter)
{
    /// <summary>Characters: more than a model says in <c>Turns:UsageInterval</c>, unless it is very fast.</summary>
    internal const int LargestSample = 4096;

    private double? input;
    private double output;
    private int counted;

    /// <summary>False while no model was asked: then there is nothing to tell.</summary>
    public bool HasBegun => call.WasAsked;

    public TokenCounts Count(StringBuilder text)
    {
        if (input is null)
        {
            var prompt = call.PromptText;
            input = Estimate(prompt, prompt.Length);
        }

        var grown = text.Length - counted;
        var sample = Math.Min(grown, LargestSample);
        output += Estimate(text.ToString(text.Length - sample, sample), grown);
        counted = text.Length;
        return new TokenCounts((int)Math.Round(input.Value), (int)Math.Round(output), TokenCounts.Estimated);
    }

    /// <summary>Tokens of so many characters, of which these are the last.</summary>
    private double Estimate(ReadOnlySpan<char> text, int characters)
    {
        var sample = text[Math.Max(0, text.Length - LargestSample)..];
        return sample.IsEmpty ? 0 : (double)counter.Count(call.Model.Name, sample) * characters / sample.Length;
    }
}
