using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Usage;

internal static class UsageOperations
{
    public static Operation Read { get; } = new("readUsage", "Add up what the tenant has used")
    {
        Answers = [new(200, "The usage, and how far it is true.", typeof(UsageResponse)) { Csv = UsageCsv.Write(AnswerExamples.Usage) }],
        Problems = [Problem.Invalid(400, "window", $"must be one of {string.Join(", ", UsageWindow.All)}"), TooMuch(10_000)],
    };

    public static Operation ReadFocus { get; } = new("exportUsage", "Export what is billed in the columns of FOCUS, by hour, model and kind of tokens")
    {
        Answers = [new(200, "The columns of FOCUS 1.2 that can be stated without prices.") { Csv = FocusExport.Write("example", AnswerExamples.Usage) }],
        Problems = [Problem.Invalid(400, "from", "must be a day, as 2026-01-31"), TooMuch(10_000)],
    };

    public static Operation ReadReconciliation { get; } = new("readReconciliation", "Compare what turns committed, what the ledger counts and what OpenMeter shows")
    {
        Answers = [new(200, "The last comparison, made every hour; none before the first.", typeof(ReconciliationResponse))],
    };

    public static ProblemHttpResult TooMuch(int rows) => Problem.Invalid(
        422, "from", $"there are more than {rows} rows, or too many hours and models to add up: ask for less time, a longer window or fewer groups");
}
