using System.Diagnostics;
using Kgents.Bench.Floors;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;

namespace Kgents.Bench.Figures;

/// <summary>What many turns come to when the model is as fast as it can be. Floor: as many subjects with one append in flight each, on NATS alone.</summary>
internal static class Throughput
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        await using var log = await BareLog.StartAsync(system.Nats.Url, cancellationToken);

        // The measured appends are about this large: several tokens ride in one.
        var before = await AppendAsync(log, 8 * TokenStamp.Length, scale, progress, cancellationToken);
        var singleBefore = await AppendAsync(log, 0, scale, progress, cancellationToken);

        var api = await system.StartApiAsync(cancellationToken);
        var other = await system.StartApiAsync(cancellationToken);
        await system.StartWorkerAsync(cancellationToken);
        await WarmUp.RunAsync(system, other, scale, progress, cancellationToken);
        var (events, eventSize, _, cpu) = await RunAsync(system, api, api, scale, progress, cancellationToken);
        var (_, _, tokens, otherCpu) = await RunAsync(system, api, other, scale, progress, cancellationToken);
        await system.StopServicesAsync();

        var after = await AppendAsync(log, 8 * TokenStamp.Length, scale, progress, cancellationToken);
        var singleAfter = await AppendAsync(log, 0, scale, progress, cancellationToken);
        var detail = new Dictionary<string, double>(cpu) { ["floor_before"] = before, ["floor_after"] = after, ["bytes_per_frame"] = eventSize };
        var singles = new Dictionary<string, double>(otherCpu) { ["floor_before"] = singleBefore, ["floor_after"] = singleAfter };
        return
        [
            new Figure("events end to end, full speed", "events/s", events, (before + after) / 2, Target.AtLeastTimes(0.6), detail),
            new Figure("tokens end to end through another replica", "tokens/s", tokens, (singleBefore + singleAfter) / 2, Target.AtLeastTimes(3), singles),
        ];
    }

    private static async Task<(double Events, double EventSize, double Tokens, IReadOnlyDictionary<string, double> Cpu)> RunAsync(
        BenchSystem system, BenchClient posting, BenchClient viewing, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say($"{scale.FastTurns} turns at full speed{(posting == viewing ? "" : ", viewed through another replica")}");
        await using var load = new Load(cancellationToken);
        system.Model.Load = new ModelLoad(double.PositiveInfinity, TimeSpan.FromSeconds(10) + scale.WarmUp + scale.Window);
        await load.BeginAsync(scale.FastTurns, posting, viewing, null, cancellationToken);
        await load.GoOnAsync(scale.WarmUp / 2, cancellationToken);
        var (started, events, tokens, bytes, cpu) = (Stopwatch.GetTimestamp(), load.Events, load.Tokens, load.Bytes, system.Cpu());
        await load.GoOnAsync(scale.Window, cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var used = system.Cpu().ToDictionary(process => $"cores_{process.Key}", process => (process.Value - cpu[process.Key]) / seconds);
        (events, tokens, bytes) = (load.Events - events, load.Tokens - tokens, load.Bytes - bytes);
        await load.CancelTurnsAsync(posting, cancellationToken);
        return (events / seconds, (double)bytes / events, tokens / seconds, used);
    }

    private static async Task<double> AppendAsync(BareLog log, int size, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say($"floor: {scale.FastTurns} subjects on NATS alone");
        var count = 0L;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var appends = Task.WhenAll(Enumerable.Range(0, scale.FastTurns).Select(_ => log.AppendAllAsync(size, () => Interlocked.Increment(ref count), stop.Token)));
        await Task.Delay(scale.WarmUp / 4, cancellationToken);
        var (started, before) = (Stopwatch.GetTimestamp(), Volatile.Read(ref count));
        await Task.Delay(scale.Window / 2, cancellationToken);
        var rate = (Volatile.Read(ref count) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        await stop.CancelAsync();
        await appends;
        return rate;
    }
}
