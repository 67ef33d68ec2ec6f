using Kgents.Api.Idempotency;
using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Kgents.Api.Turns;
using Kgents.Contracts;

namespace Kgents.Api.Messages;

internal static class MessageOperations
{
    public static Operation Post { get; } = new("postMessage", "Send a message and follow its turn")
    {
        RequestHeaders = [IdempotencyKey.Header],
        Example = new PostMessageRequest("What am I avoiding?", DialogueModes.Reflect, Model: null, BudgetTiers.Dialogue, Stream: true, OnBusy: "enqueue", OnDisconnect: "continue"),
        Answers =
        [
            new(200, "The turn as a stream; with `\"stream\": false` its answer, once it has ended.", typeof(MessageResponse))
            {
                Events = StreamEvent.OfTurn,
                Headers = ["Content-Location", "Idempotency-Replayed"],
            },
        ],
        Problems =
        [
            Problem.NotInPlan("free", "budget", BudgetTiers.Deep),
            Problem.SessionArchived,
            Problem.TurnInProgress(TurnProblems.Turn),
            Problem.IdempotencyKeyReused,
            Problem.TurnCancelled(TurnProblems.Turn),
            Problem.Invalid(422, "message", "must not be empty"),
            Problem.QueueFull,
            Problem.TooManyStreams(100),
            Problem.Stopping(TurnProblems.Turn),
            .. TurnProblems.OfModel,
            .. TurnProblems.OfService,
        ],
    };

    public static Operation List { get; } = new("listMessages", "List what was said, oldest first")
    {
        Answers = [new(200, "A page.", typeof(MessagePage))],
        Problems = [Problem.Invalid(400, "limit", "must be a number from 1")],
    };
}
