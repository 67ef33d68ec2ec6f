using System.Diagnostics;
using Kgents.Contracts;
using Kgents.Streaming.Turns;

namespace Kgents.Streaming.Telemetry;

/// <summary>One span for each attempt at a turn. All attempts belong to the trace of the request that posted the message, whichever worker makes them.</summary>
internal static class TurnSpans
{
    private static readonly ActivitySource Source = new("Kgents.Streaming");

    public static Activity? Start(QueuedTurn turn, int attempt) =>
        Source.StartActivity("kgents.turn", ActivityKind.Consumer, turn.Trace)
            ?.SetTag("messaging.system", "nats").SetTag("messaging.operation.name", "process").SetTag("messaging.operation.type", "process")
            .SetTag("messaging.destination.name", Streams.Messages.Name).SetTag("messaging.consumer.group.name", TurnQueue.ConsumerName)
            .SetTag("gen_ai.conversation.id", turn.Address.Session.ToString()).SetTag("kgents.tenant.id", turn.Address.Tenant.ToString())
            .SetTag("kgents.turn.id", turn.Address.Turn.ToString()).SetTag("kgents.turn.attempt", attempt);

    public static void End(Activity? span, TurnCommitted commit)
    {
        span?.SetTag("kgents.turn.status", commit.Status.ToString().ToLowerInvariant());
        if (commit.ErrorCode is { } error)
        {
            span?.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error, error);
        }
    }

    /// <summary>The attempt ends and the turn does not: handed over, or taken by another worker.</summary>
    public static void Break(Activity? span, Exception exception) => span?.SetTag("error.type", exception.GetType().Name).SetStatus(ActivityStatusCode.Error);
}
