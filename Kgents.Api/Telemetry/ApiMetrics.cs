using System.Diagnostics.Metrics;
using Kgents.Api.Messages;

namespace Kgents.Api.Telemetry;

/// <summary>What clients ask for and get. None says whose they are: tenants, sessions and keys are no names for a metric.</summary>
internal sealed class ApiMetrics
{
    public const string MeterName = "Kgents.Api";

    private readonly Counter<long> messages;
    private readonly Counter<long> refused;
    private readonly UpDownCounter<long> viewers;
    private readonly Histogram<double> firstEvent;
    private readonly Counter<long> gaps;
    private readonly Counter<long> cut;

    public ApiMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        messages = meter.CreateCounter<long>("kgents.messages", "{message}", "Messages that were posted, by outcome: stored, replayed, busy, queue_full, over_quota, key_reused, session_gone");
        refused = meter.CreateCounter<long>("kgents.quota.refused", "{request}", "Requests that a plan or a key's limit had no room for, by policy");
        viewers = meter.CreateUpDownCounter<long>("kgents.stream.viewers", "{viewer}", "Open streams on this replica, by what they follow: turn, session");
        firstEvent = meter.CreateHistogram(
            "kgents.stream.time_to_first_event",
            "s",
            "From when a stream is opened to its first event, by what it follows",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] });
        gaps = meter.CreateCounter<long>("kgents.stream.gaps_repaired", "{gap}", "Live events that did not come and were read from the log, by how it was seen: live (by the next one), tail (by looking)");
        cut = meter.CreateCounter<long>("kgents.stream.viewers_cut", "{viewer}", "Viewers that took nothing for the write deadline and were cut");
    }

    public void Posted(Acceptance acceptance)
    {
        messages.Add(1, new KeyValuePair<string, object?>("outcome", acceptance switch
        {
            Acceptance.Stored { Replayed: true } => "replayed",
            Acceptance.Stored => "stored",
            Acceptance.Busy => "busy",
            Acceptance.QueueFull => "queue_full",
            Acceptance.OverQuota => "over_quota",
            Acceptance.KeyReused => "key_reused",
            Acceptance.SessionGone => "session_gone",
            _ => throw new InvalidOperationException($"{acceptance} has no name."),
        }));
        if (acceptance is Acceptance.OverQuota over)
        {
            Refused(over.Policy);
        }
    }

    public void Refused(string policy) => refused.Add(1, new KeyValuePair<string, object?>("policy", policy));

    public void Viewing(int change, string follows) => viewers.Add(change, Follows(follows));

    public void FirstEvent(TimeSpan took, string follows) => firstEvent.Record(took.TotalSeconds, Follows(follows));

    public void GapRepaired(string seen) => gaps.Add(1, new KeyValuePair<string, object?>("seen", seen));

    public void Cut() => cut.Add(1);

    private static KeyValuePair<string, object?> Follows(string what) => new("follows", what);
}
