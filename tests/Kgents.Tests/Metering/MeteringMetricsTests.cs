using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Kgents.Metering;
using Kgents.Metering.Telemetry;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kgents.Tests.Metering;

public sealed class MeteringMetricsTests : MeteringTest
{
    private readonly ConcurrentDictionary<string, double> values = new();

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.metering.received", "kgents.metering.accepted", "kgents.metering.confirmed", "kgents.metering.retries", "kgents.metering.dead_letters", "kgents.metering.lag", "kgents.metering.unsettled", "kgents.metering.missing", "kgents.metering.drift", "kgents.metering.openmeter_deduplicates", "kgents.metering.oldest_unsettled_age")]
    public async Task EachMetric_TellsWhatHappened()
    {
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(50);
        OpenMeter.Deduplicate = false;
        OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
        await using var metering = await StartAsync(("Metering:Export:BatchSize", "1"), ("Metering:Confirm:Probe", "true"), ("Metering:Export:MaxUnsettled", "4"));
        using var listener = Listen(metering);
        await Eventually.TrueAsync(() => Read(listener, "kgents.metering.openmeter_deduplicates") == 0);
        OpenMeter.FailNext(503);
        var events = await Recorder.RecordAsync(3);
        await Recorder.RecordAsync(events[0]);
        await Recorder.RecordAsync("{}");
        await Recorder.RecordAsync(UsageSample.Event("bad", UsageRecorder.Tenant, 1, model: "poison"));
        await Recorder.SettledAsync();
        await Eventually.TrueAsync(() => Read(listener, "kgents.metering.drift") == 1);

        Assert.Equal((4, 1, 1), (values["kgents.metering.received received"], values["kgents.metering.received duplicate"], values["kgents.metering.received quarantined"]));
        Assert.Equal((3, 3), (values["kgents.metering.accepted"], values["kgents.metering.confirmed"]));
        Assert.Equal((1, 1), (values["kgents.metering.dead_letters refused"], values["kgents.metering.dead_letters quarantined"]));
        Assert.Equal((1, 1), (values["kgents.metering.retries 503"], values["kgents.metering.retries unsure"]));

        OpenMeter.Fate = _ => EventFate.Lost;
        await Recorder.RecordAsync(6);
        await Eventually.TrueAsync(() => Read(listener, "kgents.metering.missing") == 4 && Read(listener, "kgents.metering.lag") == 2 && Read(listener, "kgents.metering.unsettled") == 4);
        Assert.True(Read(listener, "kgents.metering.oldest_unsettled_age") > 0);
        Assert.Equal(5, Read(listener, "kgents.metering.drift"));
        MeasuresAttribute.LookNow();
    }

    /// <summary>What an operator asks first: how far behind is it, and since when.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Health_TellsHowFarLedgerAndOpenMeterAreBehind()
    {
        await using var metering = await StartAsync(("Metering:Export:MaxUnsettled", "4"));
        await Recorder.RecordAsync(3);
        await Recorder.SettledAsync();
        await Eventually.TrueAsync(async () => await BehindAsync(metering) is { NotEntered: 0, NotSent: 0, NotConfirmed: 0, OldestSeconds: 0 });

        OpenMeter.Fate = _ => EventFate.Lost;
        await Recorder.RecordAsync(6);
        await Eventually.TrueAsync(async () => await BehindAsync(metering) is { NotEntered: 0, NotSent: 2, NotConfirmed: 4, OldestSeconds: > 0 });
    }

    private static async Task<(long NotEntered, long NotSent, long NotConfirmed, long OldestSeconds)?> BehindAsync(KgentsHost metering)
    {
        var found = await metering.Services.GetRequiredService<MeteringHealth>().CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);
        return found.Data.GetValueOrDefault("partition 0") is Dictionary<string, object> behind
            ? ((long)behind["not_entered"], (long)behind["not_sent"], (long)behind["not_confirmed"], (long)behind["oldest_seconds"])
            : null;
    }

    private double Read(MeterListener listener, string name)
    {
        listener.RecordObservableInstruments();
        return values.GetValueOrDefault(name, double.NaN);
    }

    private MeterListener Listen(KgentsHost host)
    {
        var factory = host.Services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == MeteringMetrics.MeterName && ReferenceEquals(instrument.Meter.Scope, factory))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}";
        values.AddOrUpdate(name, value, (_, known) => instrument is Counter<long> ? known + value : value);
    }
}
