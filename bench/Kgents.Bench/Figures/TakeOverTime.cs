using System.Diagnostics;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;

namespace Kgents.Bench.Figures;

/// <summary>From <c>kill -9</c> of the worker that runs a turn to <c>restarted</c> at its viewer, with another worker idle. The longest of several.</summary>
internal static class TakeOverTime
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var api = await system.StartApiAsync(cancellationToken);
        system.Model.Load = new ModelLoad(scale.TokensPerSecond, TimeSpan.FromMinutes(5));
        var worker = await system.StartWorkerAsync(cancellationToken);
        var times = new List<double>();
        while (times.Count < scale.Deaths)
        {
            // The only worker has the turn; the one that is started after that takes it over.
            var (turn, response) = await api.BeginAsync(cancellationToken);
            using var _ = response;
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            var reader = new SseStream(4096);
            await ReadToAsync(reader, stream, "chunk", cancellationToken);
            var next = await system.StartWorkerAsync(cancellationToken);
            var restarted = ReadToAsync(reader, stream, "restarted", cancellationToken);

            var killed = Stopwatch.GetTimestamp();
            await worker.KillAsync(cancellationToken);
            times.Add(Stopwatch.GetElapsedTime(killed, await restarted).TotalSeconds);
            progress.Say($"a worker was killed; its turn restarted after {times[^1]:0.00} s");
            await api.CancelAsync(turn, cancellationToken);
            worker = next;
        }

        var detail = new Dictionary<string, double> { ["deaths"] = times.Count, ["shortest"] = times.Min(), ["mean"] = times.Average() };
        return [new Figure("kill -9 of a worker to restarted, longest", "s", times.Max(), null, Target.Below(5, "s"), detail)];
    }

    private static async Task<long> ReadToAsync(SseStream reader, Stream stream, string awaited, CancellationToken cancellationToken)
    {
        var expected = System.Text.Encoding.UTF8.GetBytes(awaited);
        return await reader.ReadAsync(stream, (_, name, _) => !name.SequenceEqual(expected), cancellationToken)
            ? Stopwatch.GetTimestamp()
            : throw new InvalidOperationException($"The stream ended without {awaited}.");
    }
}
