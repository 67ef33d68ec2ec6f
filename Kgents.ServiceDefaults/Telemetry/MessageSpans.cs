using System.Diagnostics;
using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>
/// How a trace goes on in another process: in the headers of the message that asks for the work, as W3C writes it. Nothing is made for what comes every few tokens,
/// and nothing at all while nobody gathers spans.
/// </summary>
public static class MessageSpans
{
    public const string TraceParent = "traceparent";

    private const string TraceState = "tracestate";

    private static readonly ActivitySource Source = new("Kgents.Messages");

    /// <summary>The span of a publish, to its ack. Null outside a trace: what a process writes for itself has none.</summary>
    public static Activity? StartSend(string stream)
    {
        if (Activity.Current is null || !Source.HasListeners())
        {
            return null;
        }

        return Source.StartActivity($"send {stream}", ActivityKind.Producer)
            ?.SetTag("messaging.system", "nats").SetTag("messaging.operation.name", "send").SetTag("messaging.operation.type", "send").SetTag("messaging.destination.name", stream);
    }

    /// <summary>Names the current span in a message's headers.</summary>
    public static void Inject(NatsHeaders headers)
    {
        if (Parent() is { } parent)
        {
            headers[TraceParent] = parent;
            if (Activity.Current?.TraceStateString is { Length: > 0 } state)
            {
                headers[TraceState] = state;
            }
        }
    }

    /// <summary>The current span, as <see cref="TraceParent"/> has it; null when there is nothing to say.</summary>
    public static string? Parent() => Source.HasListeners() ? Activity.Current?.Id : null;

    /// <summary>The headers of a message that has no others; null when there is nothing to say.</summary>
    public static NatsHeaders? Headers()
    {
        var headers = new NatsHeaders();
        Inject(headers);
        return headers.Count > 0 ? headers : null;
    }

    /// <summary>The span that a message names; the default when it names none.</summary>
    public static ActivityContext Extract(NatsHeaders? headers) =>
        headers is not null && headers.TryGetValue(TraceParent, out var parent)
            && ActivityContext.TryParse(parent.ToString(), headers.TryGetValue(TraceState, out var state) ? state.ToString() : null, isRemote: true, out var context)
            ? context
            : default;
}
