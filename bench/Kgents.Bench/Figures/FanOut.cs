using System.Diagnostics;
using System.Globalization;
using Kgents.Bench.Floors;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Testing;

namespace Kgents.Bench.Figures;

/// <summary>One turn and many viewers: what a core of the API process delivers. Floor: Kestrel alone, as many frames of the same size to as many connections.</summary>
internal static class FanOut
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var api = await system.StartApiAsync(cancellationToken);
        await system.StartWorkerAsync(cancellationToken);
        system.Model.Load = new ModelLoad(scale.TokensPerSecond, TimeSpan.FromMinutes(5));
        progress.Say($"1 turn to {scale.Viewers} viewers");
        var measured = await MeasureAsync(system, api, scale, cancellationToken);
        await system.StopServicesAsync();

        progress.Say($"floor: Kestrel alone, frames of {measured.FrameSize:0} bytes");
        var bare = await system.StartChildAsync(
            ChildServers.Bare, [scale.TokensPerSecond.ToString(CultureInfo.InvariantCulture), measured.FrameSize.ToString("0", CultureInfo.InvariantCulture)], cancellationToken);
        using var client = new BenchClient(bare, "");
        await using var load = new Load(cancellationToken);
        await ViewAsync(load, scale.Viewers, () => client.GetAsync("/frames", cancellationToken));
        var floor = await CountAsync(load, bare, scale, cancellationToken);

        var detail = new Dictionary<string, double>
        {
            ["viewers"] = scale.Viewers,
            ["events_per_second"] = measured.PerSecond,
            ["floor_events_per_second"] = floor.PerSecond,
            ["cpu_share"] = measured.Cpu,
            ["floor_cpu_share"] = floor.Cpu,
        };
        return [new Figure("viewer-events per second and core, 1 turn", "events/s", measured.PerCore, floor.PerCore, Target.AtLeastTimes(0.8), detail)];
    }

    private static async Task<Delivery> MeasureAsync(BenchSystem system, BenchClient api, Scale scale, CancellationToken cancellationToken)
    {
        await using var load = new Load(cancellationToken);
        var (turn, stream) = await api.BeginAsync(cancellationToken);
        stream.Dispose();
        await ViewAsync(load, scale.Viewers, () => api.FollowAsync(turn, 0, cancellationToken));
        return await CountAsync(load, api.Process, scale, cancellationToken);
    }

    private static async Task ViewAsync(Load load, int viewers, Func<Task<HttpResponseMessage>> follow) =>
        await Task.WhenAll(Enumerable.Range(0, viewers).Select(async _ => await load.AddAsync(await follow())));

    private static async Task<Delivery> CountAsync(Load load, ServiceProcess server, Scale scale, CancellationToken cancellationToken)
    {
        await load.GoOnAsync(scale.WarmUp, cancellationToken);
        var (started, events, bytes, cpu) = (Stopwatch.GetTimestamp(), load.Events, load.Bytes, ProcessMeter.Cpu(server.ProcessId));
        do
        {
            // On a machine that does much else a short window may pass without an event.
            await load.GoOnAsync(scale.Window, cancellationToken);
        }
        while (load.Events == events);

        var window = Stopwatch.GetElapsedTime(started);
        cpu = ProcessMeter.Cpu(server.ProcessId) - cpu;
        events = load.Events - events;
        return new Delivery(events / cpu.TotalSeconds, events / window.TotalSeconds, cpu / window, (double)(load.Bytes - bytes) / events);
    }

    private sealed record Delivery(double PerCore, double PerSecond, double Cpu, double FrameSize);
}
