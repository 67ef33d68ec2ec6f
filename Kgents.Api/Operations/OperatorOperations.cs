using Kgents.Api.OpenApi;
using Kgents.Api.Problems;

namespace Kgents.Api.Operations;

internal static class OperatorOperations
{
    public static Operation List { get; } = new("listDeadLetters", "List the usage events that could not be billed and wait for a decision")
    {
        Answers = [new(200, "A page, the latest first.", typeof(DeadLetterPage))],
        Problems = [Problem.Invalid(400, "limit", "must be a number from 1"), Problem.MeteringAway],
    };

    public static Operation Get { get; } = new("readDeadLetter", "Read a usage event that could not be billed, with its bytes")
    {
        Answers = [new(200, "The dead letter, decided or not.", typeof(DeadLetterResponse))],
        Problems = [Problem.MeteringAway],
    };

    public static Operation Replay { get; } = new("replayDeadLetter", "Have a refused usage event sent once more, as it is")
    {
        Example = new DecisionRequest("OpenMeter was mended"),
        Answers = [new(204, "It is looked up in OpenMeter, and sent again if it is not there.")],
        Problems = Decisions,
    };

    public static Operation Discard { get; } = new("discardDeadLetter", "Give a refused or quarantined usage event up")
    {
        Example = new DecisionRequest("recorded by mistake"),
        Answers = [new(204, "It is given up.")],
        Problems = Decisions,
    };

    public static Operation Correct { get; } = new("correctUsage", "Take back what is left of a usage event, or so much of it")
    {
        Example = new CorrectUsageRequest("the model was down", "ticket-7", new Dictionary<string, string> { ["output_tokens_visible"] = "120" }),
        Answers = [new(201, "It is recorded.", typeof(CorrectionResponse)), new(200, "It was recorded before, under the same reference.", typeof(CorrectionResponse))],
        Problems = Decisions,
    };

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult[] Decisions => [Problem.Invalid(422, "reason", "must be 1 to 200 characters and not blank"), Problem.OperationRefused("4 is not refused"), Problem.MeteringAway];
}
