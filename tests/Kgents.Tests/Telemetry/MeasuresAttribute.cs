using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Reflection;
using Kgents.Tests.Documentation;
using Xunit.v3;

namespace Kgents.Tests.Telemetry;

/// <summary>
/// The test moves these metrics, and fails if it does not: somebody listens while it runs. Each attribute of a measurement must be one that docs/operations.md names.
/// </summary>
#pragma warning disable CA1001 // After disposes of what Before has made.
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MeasuresAttribute(params string[] names) : BeforeAfterTestAttribute
#pragma warning restore CA1001
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<string, bool> moved = new();
    private readonly ConcurrentDictionary<string, bool> attributes = new();
    private MeterListener? listener;
    private Timer? looking;

    public IReadOnlyList<string> Names => names;

    /// <summary>Looks at the gauges as they are now.</summary>
    public static void LookNow() =>
        Assert.Single(((IXunitTest)TestContext.Current.Test!).TestMethod.BeforeAfterTestAttributes.OfType<MeasuresAttribute>()).listener!.RecordObservableInstruments();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (names.Contains(instrument.Name))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();

        // What is only looked at moves in between: a test that waits for it to end sees nothing of it.
        looking = new Timer(_ => listener.RecordObservableInstruments(), null, Interval, Interval);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        looking!.Dispose();
        listener!.Dispose();
        Assert.Equal(names.Order(), moved.Keys.Order());
        Assert.Empty(attributes.Keys.Except(OperationsPage.Metrics.SelectMany(metric => metric.Attributes.Select(attribute => $"{metric.Name} {attribute}"))));
    }

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (value != 0)
        {
            moved[instrument.Name] = true;
        }

        foreach (var tag in tags)
        {
            attributes[$"{instrument.Name} {tag.Key}"] = true;
        }
    }
}
