using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Kgents.Contracts;

namespace Kgents.Metering.Telemetry;

/// <summary>What an operator of billing watches. Counters are of this process; gauges are of the ledgers that this replica works on.</summary>
internal sealed class MeteringMetrics
{
    public const string MeterName = "Kgents.Metering";

    private readonly ConcurrentDictionary<int, LedgerObservation> observed = new();
    private readonly Counter<long> received;
    private readonly Counter<long> accepted;
    private readonly Counter<long> confirmed;
    private readonly Counter<long> retries;
    private readonly Counter<long> deadLetters;
    private int deduplicates = -1;
    private int differences;
    private int meterDifferences;

    public MeteringMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        received = meter.CreateCounter<long>("kgents.metering.received", "{event}", "Usage events entered into the ledger, by state: received, duplicate, quarantined");
        accepted = meter.CreateCounter<long>("kgents.metering.accepted", "{event}", "Usage events that OpenMeter said it took");
        confirmed = meter.CreateCounter<long>("kgents.metering.confirmed", "{event}", "Usage events that OpenMeter shows");
        retries = meter.CreateCounter<long>("kgents.metering.retries", "{event}", "Usage events that wait to be sent again, by cause");
        deadLetters = meter.CreateCounter<long>("kgents.metering.dead_letters", "{event}", "Usage events that became dead letters, by cause: refused, quarantined");
        meter.CreateObservableGauge("kgents.metering.lag", () => observed.Values.Sum(each => each.Lag), "{event}", "Usage events that were recorded and are not sent");
        meter.CreateObservableGauge("kgents.metering.unsettled", () => observed.Values.Sum(each => each.Unsettled), "{event}", "Usage events that were sent and are not confirmed");
        meter.CreateObservableGauge("kgents.metering.missing", () => observed.Values.Sum(each => each.Missing), "{event}", "Usage events that OpenMeter took twice and does not show: somebody must look");
        meter.CreateObservableGauge("kgents.metering.drift", () => observed.Values.Sum(each => each.Drift), "{event}", "Usage events in which OpenMeter is known to differ from the ledger: doubled, missing, refused");
        meter.CreateObservableGauge("kgents.metering.differences", () => Volatile.Read(ref differences), "{event}", "Usage events on which the last comparison found ledger and OpenMeter to differ for good");
        meter.CreateObservableGauge("kgents.metering.meter_differences", () => Volatile.Read(ref meterDifferences), "{sum}", "Sums of OpenMeter's meters that the last comparison found to differ from the events: an invoice would be wrong");
        meter.CreateObservableGauge("kgents.metering.openmeter_deduplicates", () => Volatile.Read(ref deduplicates), description: "1 if OpenMeter shows an event once that was sent twice, 0 if not, -1 while it is not known");
        meter.CreateObservableGauge("kgents.metering.oldest_unsettled_age", () => observed.Values.Select(each => each.OldestAge.TotalSeconds).DefaultIfEmpty().Max(), "s", "Age of the oldest usage event that is not confirmed");
    }

    /// <summary>Events on which the last comparison found ledger and OpenMeter to differ, and that do not mend themselves.</summary>
    public void Reconciled(int lasting) => Volatile.Write(ref differences, lasting);

    /// <summary>Hours, models and types of event of which a meter sums something else. Stays what it was while meters do not answer.</summary>
    public void MetersCompared(int differing) => Volatile.Write(ref meterDifferences, differing);

    public void Deduplicates(bool does) => Volatile.Write(ref deduplicates, does ? 1 : 0);

    public void Received(IEnumerable<ReceivedEvent> events)
    {
        foreach (var state in events.CountBy(each => each.State ?? "received"))
        {
            received.Add(state.Value, new KeyValuePair<string, object?>("state", state.Key));
            if (state.Key == ReceivedEvent.Quarantined)
            {
                DeadLetter(state.Value, ReceivedEvent.Quarantined);
            }
        }
    }

    public void Accepted(long events) => accepted.Add(events);

    public void Confirmed(long events) => confirmed.Add(events);

    public void Retry(long events, string cause) => retries.Add(events, new KeyValuePair<string, object?>("cause", cause));

    public void DeadLetter(long events, string cause) => deadLetters.Add(events, new KeyValuePair<string, object?>("cause", cause));

    public void Observe(int partition, LedgerObservation observation) => observed[partition] = observation;

    /// <summary>Another replica may have it now, and tells of it.</summary>
    public void Forget(int partition) => observed.TryRemove(partition, out _);
}
