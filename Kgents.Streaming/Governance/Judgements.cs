using System.Runtime.CompilerServices;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Flux;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Streaming.Governance;

/// <summary>A judgement as the answer of a turn.</summary>
internal static class Judgements
{
    private static readonly string[] InsteadOfRejected = ["Do a smaller part of it first.", "Make it reversible, then ask again.", "Look for a way that needs none of this."];
    private static readonly string[] InsteadOfEscalated = ["Let a person decide.", "Say more about the reason and ask again.", "Try it where nothing can be lost."];

    public static InterceptRequest RequestOf(UserMessage message, ProposedAction proposed) =>
        new(message.Turn.ToString(), proposed.Action, proposed.Reason, proposed.Severity) { Timestamp = message.CreatedAt };

    /// <summary>Nothing is said before the judgement is whole.</summary>
    public static async IAsyncEnumerable<FluxEvent> AnswerAsync(KgentFlux flux, InterceptRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var result = await flux.InvokeAsync(request, cancellationToken) as InterceptResult ?? throw new InvalidOperationException("The soul did not judge.");
        yield return new FluxText(JsonSerializer.Serialize(ToJudgement(result), WireJson.Default.Judgement));
        yield return result.Call ?? new FluxMetadata(null, Soul.TemplateModel) { WasTemplate = true };
    }

    /// <param name="answer">What <see cref="AnswerAsync"/> said.</param>
    public static GovernanceDecision DecisionOf(UserMessage message, string answer) =>
        new(UserMessages.ReadAction(message.Text)!, JsonSerializer.Deserialize(answer, WireJson.Default.Judgement)!);

    private static Judgement ToJudgement(InterceptResult result) => new(
        result.Recommendation == "approve",
        result.Recommendation,
        result.Confidence,
        result.Reasoning,
        result.Recommendation switch
        {
            "reject" => InsteadOfRejected,
            "escalate" => InsteadOfEscalated,
            _ => [],
        },
        result.MatchingPrinciples);
}
