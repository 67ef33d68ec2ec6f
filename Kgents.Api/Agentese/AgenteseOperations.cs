using System.Text.Json;
using Kgents.Api.Idempotency;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Turns;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Agentese;

internal static class AgenteseOperations
{
    private static readonly string[] Some = ["manifest", "affordances"];

    public static Operation Paths { get; } = new("listPaths", "List what exists for the observer")
    {
        Answers = [new(200, "Each node with what the observer and its key can do there, and what the tenant has named.", typeof(PathsResponse))],
        Problems = [ArchetypeDenied, Problem.Invalid(400, "limit", "must be a number from 1"), Problem.Invalid(422, "archetype", "must be one of viewer, architect")],
    };

    public static Operation Resolve { get; } = new("resolvePath", "Find what a handle stands for")
    {
        Answers = [new(200, "The node, and what can be done with it.", typeof(ResolveResponse))],
        Problems = [.. OfHandle],
    };

    public static Operation Affordances { get; } = new("listAffordances", "List what an archetype can do with a handle")
    {
        Answers = [new(200, "The aspects.", typeof(AffordancesResponse))],
        Problems = [.. OfHandle],
    };

    public static Operation Invoke { get; } = new("invokePath", "Do what a path says")
    {
        RequestHeaders = [IdempotencyKey.Header],
        Example = new InvokeRequest("self.soul.challenge[phase=PLAN]", new ObserverRequest("developer"), JsonElement.Parse("""{"input":"We rewrite it all at once."}"""), Stream: false),
        Answers = [new(200, "What the path answers; a turn also as a stream, and a replay as nothing else.", typeof(InvokeResponse)) { Events = StreamEvent.OfTurn, Headers = ["Content-Location", "Idempotency-Replayed"] }],
        Problems = [.. OfPath, Problem.Invalid(422, "kwargs.input", "is missing"), Problem.TooManyStreams(100)],
    };

    public static Operation Compose { get; } = new("composePaths", "Do what several paths say, each with what the one before it answers")
    {
        RequestHeaders = [IdempotencyKey.Header],
        Example = new ComposeRequest(JsonElement.Parse("""["self.soul.explore","self.soul.challenge"]"""), new ObserverRequest("developer"), JsonElement.Parse("\"We rewrite it all at once.\""), Kwargs: null),
        Answers = [new(200, "What the last path answers, and what each did.", typeof(ComposeResponse)) { Headers = ["Idempotency-Replayed"] }],
        Problems = [.. OfPath, Problem.CompositionInvalid(2, "self.soul.manifest takes no input: what comes before it would be lost."), Problem.Invalid(422, "paths", "must be a list of paths")],
    };

    private static ProblemHttpResult ArchetypeDenied => Problem.ArchetypeDenied("admin", "developer", ["viewer", "developer"]);

    private static IEnumerable<ProblemHttpResult> OfHandle =>
    [
        Problem.PathSyntax("A handle has two names, as self.soul.", 4, "self.soul"),
        Problem.PathNotFound("There is no 'sool' in self.", 5, "self.soul"),
        ArchetypeDenied,
        Problem.Invalid(422, "archetype", "must be one of viewer, architect"),
    ];

    private static IEnumerable<ProblemHttpResult> OfPath =>
    [
        .. OfHandle,
        Problem.Invalid(400, "Idempotency-Key", "must be 1 to 255 visible ASCII characters"),
        Problem.AffordanceDenied("refine", "developer", Some),
        Problem.EntropyExhausted(0.04m),
        Problem.AnswerUnreadable(TurnProblems.Turn),
        Problem.LawViolated("entropy", "'entropy' means nothing to self.soul.reflect, and is not ignored."),
        Problem.OperatorOnly,
        Problem.NotInPlan("free", "budget", BudgetTiers.Deep),
        Problem.SessionNotFound,
        Problem.TurnNotFound,
        Problem.SessionArchived,
        Problem.TurnInProgress(TurnProblems.Turn),
        Problem.IdempotencyKeyReused,
        Problem.TurnCancelled(TurnProblems.Turn),
        Problem.QueueFull,
        Problem.Stopping(TurnProblems.Turn),
        .. TurnProblems.OfModel,
        .. TurnProblems.OfService,
    ];
}
