using System.Text.Json.Nodes;
using Kgents.Api.Messages;
using Kgents.Api.Problems;
using Kgents.Api.Soul;

namespace Kgents.Api.Agentese;

/// <summary>Makes the answer of a request from that of a node, once it is whole.</summary>
internal sealed class AgenteseReply(SoulTurns soul, MessageReply messages)
{
    public const string MinimalOutput = "minimal_output";

    /// <summary>The answer as it is sent; and what it says, which is null for a problem.</summary>
    public async Task<(IResult Http, InvokeResponse? Response)> TellAsync(Invocation invocation, AgenteseAnswer answer, CancellationToken cancellationToken)
    {
        InvokeResponse? response = null;
        var http = answer switch
        {
            AgenteseAnswer.Shown shown => Whole(ResponseOf(invocation, shown.Result)),
            AgenteseAnswer.Asked { Acceptance: Acceptance.Stored stored } asked => await soul.TellAsync(
                stored,
                (turn, text, tokens, model) => asked.Tell(text) is { } result
                    ? Whole(ResponseOf(invocation, result) with { TokensUsed = tokens.Total, SessionId = turn.Session, TurnId = turn.Turn, Model = model })
                    : Problem.AnswerUnreadable(turn.Turn),
                cancellationToken),
            AgenteseAnswer.Asked asked => await messages.AnswerAsync(asked.Acceptance, asked.Message, stream: false, onDisconnect: null, cancellationToken),
            AgenteseAnswer.Refused refused => refused.Problem,
            _ => throw new InvalidOperationException($"{answer.GetType().Name} is no whole answer."),
        };
        return (http, response);

        IResult Whole(InvokeResponse whole)
        {
            if (whole.Result is JsonArray)
            {
                return Problem.LawViolated(MinimalOutput, "A path answers one thing, and no list of things.");
            }

            response = whole;
            return TypedResults.Ok(whole);
        }
    }

    private static InvokeResponse ResponseOf(Invocation invocation, JsonNode? result) => new(invocation.Path.Bare, invocation.Archetype.Name, result, TokensUsed: 0)
    {
        Laws = HasLawCheck(invocation) ? [MinimalOutput] : null,
        Span = invocation.Path.Span,
    };

    public static bool HasLawCheck(Invocation invocation) => invocation.Path.Modifiers.Any(modifier => modifier is { Name: PathModifiers.LawCheck, Value: "true" });
}
