using Kgents.Bench.Report;

namespace Kgents.Bench.Figures;

/// <summary>The figures by the names by which one is asked for.</summary>
internal static class AllFigures
{
    private static readonly Dictionary<string, Func<Scale, Progress, CancellationToken, Task<IReadOnlyList<Figure>>>> ByName = new()
    {
        ["latency"] = AddedLatency.MeasureAsync,
        ["throughput"] = Throughput.MeasureAsync,
        ["fan-out"] = FanOut.MeasureAsync,
        ["idle"] = IdleStreams.MeasureAsync,
        ["resume"] = ResumeTime.MeasureAsync,
        ["replay"] = ReplayTime.MeasureAsync,
        ["listing"] = ListingTime.MeasureAsync,
        ["take-over"] = TakeOverTime.MeasureAsync,
        ["start"] = StartTime.MeasureAsync,
        ["allocation"] = Allocation.MeasureAsync,
        ["usage"] = UsageBacklog.MeasureAsync,
    };

    public static IReadOnlyCollection<string> Names => ByName.Keys;

    public static Task<IReadOnlyList<Figure>> MeasureAsync(string name, Scale scale, Progress progress, CancellationToken cancellationToken) =>
        ByName[name](scale, progress, cancellationToken);
}
