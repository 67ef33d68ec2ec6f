using System.Diagnostics.Metrics;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>How NATS serves this process.</summary>
public sealed class NatsMetrics
{
    public const string MeterName = "Kgents.Nats";

    /// <summary>What became of a publish.</summary>
    public const string Stored = "stored";
    public const string Refused = "refused";
    public const string Unknown = "unknown";

    private readonly TimeProvider time;
    private readonly Histogram<double> publish;
    private readonly Counter<long> disconnects;
    private int isConnected;
    private volatile IReadOnlyList<StreamObservation> streams = [];

    public NatsMetrics(IMeterFactory meters, TimeProvider time)
    {
        this.time = time;
        var meter = meters.Create(MeterName);
        publish = meter.CreateHistogram(
            "kgents.nats.publish.duration",
            "s",
            "From a publish to its ack, by stream and outcome: stored, refused, unknown (no ack)",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5] });
        disconnects = meter.CreateCounter<long>("kgents.nats.disconnects", "{disconnect}", "How often the connection to nats-server was lost");
        meter.CreateObservableGauge("kgents.nats.connected", () => Volatile.Read(ref isConnected), "{connection}", "1 while connected to nats-server, else 0");
        meter.CreateObservableGauge(
            "kgents.nats.stream.fill",
            () => streams.Where(stream => stream.Limit > 0).Select(stream => new Measurement<double>(stream.Fill, new KeyValuePair<string, object?>("stream", stream.Name))),
            "1",
            "How full each stream is that has a limit, from 0 to 1");
    }

    /// <summary>Where <see cref="Published"/> begins to count.</summary>
    public long Now => publish.Enabled ? time.GetTimestamp() : 0;

    /// <summary>Nothing is allocated: this is called for every event of every turn.</summary>
    public void Published(string stream, string outcome, long since)
    {
        if (publish.Enabled)
        {
            publish.Record(time.GetElapsedTime(since).TotalSeconds, new KeyValuePair<string, object?>("stream", stream), new KeyValuePair<string, object?>("outcome", outcome));
        }
    }

    internal void Filled(IReadOnlyList<StreamObservation> observed) => streams = observed;

    public void Connected() => Volatile.Write(ref isConnected, 1);

    public void Disconnected()
    {
        Volatile.Write(ref isConnected, 0);
        disconnects.Add(1);
    }
}
