using Kgents.Contracts;

namespace Kgents.Streaming.Usage;

/// <summary>How a call ended, seen from the turn.</summary>
internal enum CallEnd
{
    Completed,

    /// <summary>Somebody cancelled the turn, in the middle of the call or after it.</summary>
    Cancelled,

    /// <summary>The model or its provider failed, or gave nothing.</summary>
    Failed,

    /// <summary>It was let go at the limit of an answer.</summary>
    TooLong,

    /// <summary>Its worker died: another attempt is delivered, or none.</summary>
    Interrupted,

    /// <summary>It was refused before the model was asked.</summary>
    NotMade,
}

/// <summary>All that a charge depends on. What is counted here is counted only when it is needed.</summary>
/// <param name="OfModel">A model was asked, and not the persona or a template.</param>
/// <param name="IsComplete">The call came to its end, so that what was reported is final.</param>
/// <param name="IsCut">It was let go at the length that was reserved for it, which the model did not keep to.</param>
/// <param name="Reported">Null when the provider reported nothing.</param>
/// <param name="MaxOutputTokens">The most that the call can have made.</param>
/// <param name="HasRelayed">Something of the answer is in the turn's log.</param>
internal sealed record CallFacts(
    CallEnd End, bool OfModel, bool IsComplete, bool IsCut, TokenBuckets? Reported, int MaxOutputTokens, bool HasRelayed, Func<int> CountPrompt, Func<int> CountSaid, Func<int> CountRelayed);

/// <summary>What a call's usage event says: how it ended, and what is charged; null when nothing is.</summary>
internal sealed record Charge(string Outcome, CallUsage? Used);

/// <summary>
/// The rules of charge. Charged is what was delivered, once: never more than was relayed of a call that was let go, never more than the call can have made, and nothing of one that
/// failed. There is nothing else that decides about money.
/// </summary>
internal static class ChargeRules
{
    /// <summary>Of an attempt whose worker died nobody knows more.</summary>
    public static Charge Interrupted { get; } = new(ModelCall.Interrupted, null);

    /// <summary>Null for a call that was never made: there is no event of it.</summary>
    public static Charge? Decide(CallFacts call) => call switch
    {
        { End: CallEnd.NotMade } => null,
        { End: CallEnd.Interrupted } => Interrupted,
        { End: CallEnd.Failed } => new Charge(ModelCall.UpstreamError, null),
        { End: CallEnd.TooLong } => new Charge(TurnErrorCodes.ReplyTooLong, null),
        { OfModel: false } => Delivered(call, null),

        // Let go in the middle: what was relayed, counted here, and the input only if the provider has told it. Before the first token it is nothing.
        { IsComplete: false, HasRelayed: false } => Delivered(call, null),

        // Let go by us, and delivered: it costs what it would have cost if the model had ended there. A prompt for nothing would be all that a month still has, again and again.
        { IsComplete: false, IsCut: true } => Delivered(call, Counted(Input(call) with { OutputVisible = AtMost(call, Math.Min(call.CountSaid(), call.CountRelayed())), Reasoning = 0 })),
        { IsComplete: false } => Delivered(call, Counted((call.Reported ?? TokenBuckets.None) with { OutputVisible = AtMost(call, call.CountRelayed()), Reasoning = 0 })),

        { Reported: { } reported } when IsBelieved(call) => Delivered(call, new CallUsage(reported, TokenCounts.Reported)),
        _ => Delivered(call, Counted(TokenBuckets.None with { InputUncached = call.CountPrompt(), OutputVisible = AtMost(call, call.CountSaid()) })),
    };

    /// <summary>False for a report of more than the call can have made.</summary>
    public static bool IsBelieved(CallFacts call) => call.Reported?.Output <= call.MaxOutputTokens;

    private static Charge Delivered(CallFacts call, CallUsage? used) => new(call.End == CallEnd.Cancelled ? ModelCall.ClientCancelled : ModelCall.Completed, used);

    /// <summary>As the provider told it before the answer, or else counted here.</summary>
    private static TokenBuckets Input(CallFacts call) => call.Reported is { Input: > 0 } reported ? reported : TokenBuckets.None with { InputUncached = call.CountPrompt() };

    private static CallUsage Counted(TokenBuckets buckets) => new(buckets, TokenCounts.Counted);

    private static int AtMost(CallFacts call, int counted) => Math.Min(counted, call.MaxOutputTokens);
}
