using System.Text;
using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>An estimate of what a turn has used so far, counted here whatever the provider reports. Each text is counted once, as it grows.</summary>
internal sealed class RunningCount(CallMeter call, TokenCounter counter)
{
    private int? input;
    private int output;
    private int counted;

    /// <summary>False while no model was asked: then there is nothing to tell.</summary>
    public bool HasBegun => call.WasAsked;

    public TokenCounts Count(StringBuilder text)
    {
        input ??= counter.Count(call.Model.Name, call.PromptText);
        output += counter.Count(call.Model.Name, text.ToString(counted, text.Length - counted));
        counted = text.Length;
        return new TokenCounts(input.Value, output, TokenCounts.Estimated);
    }
}
