using System.Text;
using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>
/// An estimate of what a turn has used so far, counted here whatever the provider reports. Each text is counted once, as it grows; where much has come since the last time, a part of it
/// is counted and stands for all, since counting costs more than everything else that is done with a token.
/// </summary>
internal sealed class RunningCount(CallMeter call, TokenCounter counter)
{
    /// <summary>Characters: more than a model says in <c>Turns:UsageInterval</c>, unless it is very fast.</summary>
    internal const int LargestSample = 4096;

    private int? input;
    private double output;
    private int counted;

    /// <summary>False while no model was asked: then there is nothing to tell.</summary>
    public bool HasBegun => call.WasAsked;

    public TokenCounts Count(StringBuilder text)
    {
        input ??= counter.Count(call.Model.Name, call.PromptText);
        var grown = text.Length - counted;
        var sample = Math.Min(grown, LargestSample);
        if (sample > 0)
        {
            output += (double)counter.Count(call.Model.Name, text.ToString(text.Length - sample, sample)) * grown / sample;
        }

        counted = text.Length;
        return new TokenCounts(input.Value, (int)Math.Round(output), TokenCounts.Estimated);
    }
}
