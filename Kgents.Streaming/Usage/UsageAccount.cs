namespace Kgents.Streaming.Usage;

/// <summary>Gathers what a charge depends on, for <see cref="ChargeRules"/>.</summary>
internal sealed partial class UsageAccount(TokenCounter counter, ILogger<UsageAccount> logger)
{
    /// <summary>What to charge for a call; null when there is no event of it.</summary>
    /// <param name="relayed">The text that is in the turn's log, which is what a client can have seen.</param>
    public Charge? Charge(CallMeter call, CallEnd end, string relayed)
    {
        var facts = new CallFacts(
            end,
            OfModel: call is { Model.IsPersona: false, WasAsked: true },
            call.IsComplete,
            call.IsCut,
            call.Reported,
            call.MaxOutputTokens,
            HasRelayed: relayed.Length > 0,
            CountPrompt: () => counter.Count(call.Model.Name, call.PromptText),
            CountSaid: () => counter.Count(call.Model.Name, call.ReceivedText),
            CountRelayed: () => counter.Count(call.Model.Name, relayed));
        if (facts is { OfModel: true, IsComplete: true, End: CallEnd.Completed or CallEnd.Cancelled } && !ChargeRules.IsBelieved(facts))
        {
            if (facts.Reported is { } reported)
            {
                LogNotBelieved(call.Model.Name, reported.Output, facts.MaxOutputTokens);
            }
            else
            {
                LogCounted(call.Model.Name);
            }
        }

        return ChargeRules.Decide(facts);
    }

    [LoggerMessage(LogLevel.Warning, "Model {Model} reported no usage; its tokens were counted here.")]
    private partial void LogCounted(string model);

    [LoggerMessage(LogLevel.Warning, "Model {Model} reported {Output} tokens of output, and it can make at most {Most}; its tokens were counted here.")]
    private partial void LogNotBelieved(string model, long output, int most);
}
