using Kgents.Bench.Floors;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;

namespace Kgents.Bench.Figures;

/// <summary>From the model's write of a token to the viewer's read of it, many turns at a model's pace. Floor: the same relay over NATS alone.</summary>
internal static class AddedLatency
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        await using var log = await BareLog.StartAsync(system.Nats.Url, cancellationToken);
        var floor = new Latencies();
        await RelayAsync(log, floor, scale, progress, cancellationToken);

        var added = new Latencies();
        await using (var load = new Load(cancellationToken))
        {
            var api = await system.StartApiAsync(cancellationToken);
            await system.StartWorkerAsync(cancellationToken);
            await WarmUp.RunAsync(system, api, scale, progress, cancellationToken);
            progress.Say($"{scale.PacedTurns} turns at {scale.TokensPerSecond} tokens/s");
            system.Model.Load = new ModelLoad(scale.TokensPerSecond, TimeSpan.FromMinutes(5));
            await load.BeginAsync(scale.PacedTurns, api, api, added, cancellationToken);
            await load.GoOnAsync(scale.WarmUp, cancellationToken);
            added.Open();
            await load.GoOnAsync(scale.Window, cancellationToken);
            added.Close();
            await load.GoOnAsync(TimeSpan.FromSeconds(1), cancellationToken);
            await system.StopServicesAsync();
        }

        await RelayAsync(log, floor, scale, progress, cancellationToken);
        var detail = new Dictionary<string, double> { ["tokens"] = added.Count, ["floor_tokens"] = floor.Count, ["p999"] = added.Milliseconds(99.9) };
        return
        [
            new Figure("added latency per token, p50", "ms", added.Milliseconds(50), floor.Milliseconds(50), Target.AtMostTimes(3), detail),
            new Figure("added latency per token, p99", "ms", added.Milliseconds(99), floor.Milliseconds(99), null, detail),
        ];
    }

    private static async Task RelayAsync(BareLog log, Latencies latencies, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say("floor: the same over NATS alone");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var relays = Task.WhenAll(Enumerable.Range(0, scale.PacedTurns).Select(_ => log.RelayAsync(scale.TokensPerSecond, latencies, stop.Token)));
        await Task.Delay(scale.WarmUp / 2, cancellationToken);
        latencies.Open();
        await Task.Delay(scale.Window / 2, cancellationToken);
        latencies.Close();
        await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
        await stop.CancelAsync();
        await relays;
    }
}
