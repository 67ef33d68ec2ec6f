using System.Diagnostics;
using Kgents.Metering.Export;

namespace Kgents.Metering.Telemetry;

/// <summary>One span for each request to OpenMeter. The events of one turn go on in its trace; a batch of many links to theirs.</summary>
internal static class ExportSpans
{
    /// <summary>What OpenTelemetry keeps of a span's links by default.</summary>
    private const int MostLinks = 128;

    private static readonly ActivitySource Source = new("Kgents.Metering");

    public static Activity? Start(ExportBatch batch)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var turns = batch.Events.Select(each => each.Trace).Where(trace => trace.TraceId != default).DistinctBy(trace => trace.TraceId).Take(MostLinks).ToList();
        return Source.StartActivity(
            "export usage", ActivityKind.Internal, turns.Count == 1 ? turns[0] : default, [new("kgents.usage.events", batch.Events.Count)], turns.Count == 1 ? null : turns.Select(turn => new ActivityLink(turn)));
    }

    public static void End(Activity? span, SendOutcome outcome)
    {
        span?.SetTag("kgents.usage.outcome", outcome.Cause);
        if (outcome.Result != SendResult.Taken)
        {
            span?.SetTag("error.type", outcome.Cause).SetStatus(ActivityStatusCode.Error);
        }
    }
}
