using System.Diagnostics;
using Kgents.Bench.Floors;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Testing;

namespace Kgents.Bench.Figures;

/// <summary>
/// From the start of a service's process to its being ready, with streams that are there, the median of several; and the memory that it has then taken from the system, at
/// rest. Floor: Kestrel alone, until it listens.
/// </summary>
internal static class StartTime
{
    private static readonly string[] Services = ["Kgents.Api", "Kgents.Streaming", "Kgents.Metering"];

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var bare = await MeasureAsync(system, () => system.StartChildAsync(ChildServers.Bare, ["1", "1"], cancellationToken), scale, cancellationToken);
        progress.Say($"Kestrel alone: {bare.Seconds:0.00} s, {bare.MiB:0} MiB");
        var figures = new List<Figure>();
        foreach (var service in Services)
        {
            // Creates the streams that are missing, which happens once in the life of a system.
            await system.StartAsync(service, cancellationToken);
            await system.StopServicesAsync();
            var (seconds, mebibytes) = await MeasureAsync(system, () => system.StartAsync(service, cancellationToken), scale, cancellationToken);
            progress.Say($"{service}: {seconds:0.00} s, {mebibytes:0} MiB");
            var detail = new Dictionary<string, double> { ["starts"] = scale.Starts };
            figures.Add(new Figure($"{service}, start to ready", "s", seconds, bare.Seconds, null, detail));
            figures.Add(new Figure($"{service}, memory at rest", "MiB", mebibytes, bare.MiB, null, detail));
        }

        return figures;
    }

    private static async Task<(double Seconds, double MiB)> MeasureAsync(BenchSystem system, Func<Task<ServiceProcess>> start, Scale scale, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        var memory = new List<double>();
        while (times.Count < scale.Starts)
        {
            var began = Stopwatch.GetTimestamp();
            var process = await start();
            times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            await Task.Delay(scale.Window / 2, cancellationToken);
            memory.Add(ProcessMeter.Memory(process.ProcessId) / 1024.0 / 1024.0);
            await system.StopServicesAsync();
        }

        return (Median(times), Median(memory));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
