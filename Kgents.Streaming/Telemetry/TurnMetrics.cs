using System.Diagnostics;
using System.Diagnostics.Metrics;
using Kgents.Contracts;

namespace Kgents.Streaming.Telemetry;

/// <summary>How turns go. None says whose they are: tenants and sessions are no names for a metric.</summary>
internal sealed class TurnMetrics
{
    public const string MeterName = "Kgents.Streaming";

    private static readonly InstrumentAdvice<double> Moments = new() { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] };
    private static readonly InstrumentAdvice<double> Spells = new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600] };

    private readonly UpDownCounter<long> active;
    private readonly Histogram<double> duration;
    private readonly Histogram<double> waited;
    private readonly Histogram<double> firstToken;
    private readonly Histogram<double> addedLatency;
    private readonly Counter<long> tokens;
    private readonly Counter<long> takeOvers;
    private readonly Counter<long> deadLetters;
    private long queued;

    public TurnMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        active = meter.CreateUpDownCounter<long>("kgents.turn.active", "{turn}", "Turns that this worker runs");
        duration = meter.CreateHistogram("kgents.turn.duration", "s", "From when a worker takes a turn to its terminal event, by status and error; its count is the number of turns", advice: Spells);
        waited = meter.CreateHistogram("kgents.turn.queue.duration", "s", "From when a message was stored to when its first attempt began, by the clocks of NATS and the worker", advice: Spells);
        firstToken = meter.CreateHistogram("kgents.turn.time_to_first_token", "s", "From when a worker takes a turn to its first text in the log, by model", advice: Moments);
        addedLatency = meter.CreateHistogram("kgents.turn.added_latency", "s", "From a turn's first text from the model to its being stored and republished to viewers", advice: Moments);
        tokens = meter.CreateCounter<long>("kgents.turn.tokens", "{token}", "Tokens of committed turns, by type (input, output) and model");
        takeOvers = meter.CreateCounter<long>("kgents.turn.takeovers", "{attempt}", "Attempts that began a turn again, which another worker had begun");
        deadLetters = meter.CreateCounter<long>("kgents.turn.dead_letters", "{message}", "Messages and log entries that cannot be read and were set aside");
        meter.CreateObservableGauge("kgents.turn.queued", () => Volatile.Read(ref queued), "{turn}", "Messages that no worker has taken yet, the same on each worker");
    }

    public void Began(int attempt, TimeSpan since)
    {
        active.Add(1);
        if (attempt > 1)
        {
            takeOvers.Add(1);
        }
        else
        {
            waited.Record(Math.Max(0, since.TotalSeconds));
        }
    }

    public void Left() => active.Add(-1);

    public void Committed(TurnCommitted commit)
    {
        Count(commit.Tokens.Input, "input", commit.Model);
        Count(commit.Tokens.Output, "output", commit.Model);
    }

    /// <param name="error">A code of the closed list that clients get too; null for none.</param>
    public void Ended(TurnStatus status, string? error, TimeSpan took)
    {
        var tags = new TagList { { "status", status.ToString().ToLowerInvariant() } };
        if (error is not null)
        {
            tags.Add("error.type", error);
        }

        duration.Record(took.TotalSeconds, tags);
    }

    public void FirstToken(string model, TimeSpan took) => firstToken.Record(took.TotalSeconds, new KeyValuePair<string, object?>("gen_ai.request.model", model));

    public void Added(TimeSpan latency) => addedLatency.Record(latency.TotalSeconds);

    public void DeadLetter() => deadLetters.Add(1);

    public void Queued(long messages) => Volatile.Write(ref queued, messages);

    private void Count(long count, string type, string model) =>
        tokens.Add(count, new KeyValuePair<string, object?>("gen_ai.token.type", type), new KeyValuePair<string, object?>("gen_ai.request.model", model));
}
