using System.Text.Json;
using Kgents.Api.Idempotency;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Soul;

internal static class SoulOperations
{
    public static Operation Dialogue { get; } = new("askSoul", "Ask the soul once, in a session that is made for it")
    {
        RequestHeaders = [IdempotencyKey.Header],
        Example = new DialogueRequest("What am I avoiding?", DialogueModes.Challenge, BudgetTiers.Dialogue),
        Answers = [new(200, "What it said.", typeof(DialogueResponse)) { Headers = ["Idempotency-Replayed"] }],
        Problems = [.. Common, Problem.Invalid(422, "prompt", "must be there; it may be empty"), .. TurnProblems.OfModel],
    };

    public static Operation Govern { get; } = new("judgeOperation", "Have an operation judged; what is not answered with 200 is not approved")
    {
        RequestHeaders = [IdempotencyKey.Header],
        Example = new GovernanceRequest("delete the staging database", JsonElement.Parse("""{"reason":"it is not used any more","severity":0.9}"""), BudgetTiers.Dialogue),
        Answers = [new(200, "The judgement, also when the model failed.", typeof(GovernanceResponse)) { Headers = ["Idempotency-Replayed"] }],
        Problems = [.. Common, Problem.Invalid(422, "action", "must not be empty")],
    };

    private static IEnumerable<Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult> Common =>
    [
        Problem.NotInPlan("free", "budget", BudgetTiers.Deep),
        Problem.SessionNotFound,
        Problem.TurnInProgress(null),
        Problem.IdempotencyKeyReused,
        Problem.TurnCancelled(TurnProblems.Turn),
        Problem.Stopping(TurnProblems.Turn),
        .. TurnProblems.OfService,
    ];
}
