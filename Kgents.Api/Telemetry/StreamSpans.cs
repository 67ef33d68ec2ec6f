using System.Diagnostics;
using Kgents.Api.Turns;

namespace Kgents.Api.Telemetry;

/// <summary>One span for each stream that a client follows, from its first byte to its end.</summary>
internal static class StreamSpans
{
    private static readonly ActivitySource Source = new("Kgents.Api");

    /// <param name="turn">The trace of the turn: a client that comes back does so in a trace of its own.</param>
    public static Activity? Start(FollowedLog followed, ulong after, ActivityContext turn)
    {
        var span = Source.StartActivity(followed.IsOfSession ? "follow session" : "follow turn")
            ?.SetTag("gen_ai.conversation.id", followed.Session.ToString()).SetTag("kgents.tenant.id", followed.Tenant.ToString()).SetTag("kgents.stream.after", (long)after);
        if (span is not null && followed.Turn is { } id)
        {
            span.SetTag("kgents.turn.id", id.ToString());
        }

        if (span is not null && turn.TraceId != default && turn.TraceId != span.TraceId)
        {
            span.AddLink(new ActivityLink(turn));
        }

        return span;
    }

    /// <param name="outcome"><c>ended</c> with its turn, <c>deleted</c> with its session, or <c>left</c> by its client or by this process.</param>
    public static void End(Activity? span, string outcome) => span?.SetTag("kgents.stream.outcome", outcome);
}
