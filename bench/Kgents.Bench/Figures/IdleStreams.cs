using Kgents.Bench.Floors;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Testing;

namespace Kgents.Bench.Figures;

/// <summary>
/// Memory of an API process for each stream on which nothing comes: of one waiting turn, and of as many waiting turns as streams. They wait because
/// there is no worker. Floor: Kestrel alone with as many open streams.
/// </summary>
internal static class IdleStreams
{
    private const int AtOnce = 32;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        progress.Say($"queueing {scale.IdleStreams} turns");
        var posting = await system.StartApiAsync(cancellationToken);
        var turns = new BenchTurn[scale.IdleStreams];
        await EachAsync(scale, async index =>
        {
            var (turn, stream) = await posting.BeginAsync(cancellationToken);
            stream.Dispose();
            turns[index] = turn;
        });
        await system.StopServicesAsync();

        var bare = await system.StartChildAsync(ChildServers.Bare, ["1", "1"], cancellationToken);
        using var client = new BenchClient(bare, "");
        var floor = await OpenAsync("floor: Kestrel alone", bare, _ => client.GetAsync("/idle", cancellationToken), scale, progress, cancellationToken);
        await system.StopServicesAsync();
        var one = await MeasureAsync("of one turn", system, _ => turns[0], scale, progress, cancellationToken);
        var many = await MeasureAsync("of a turn each", system, index => turns[index], scale, progress, cancellationToken);

        var detail = new Dictionary<string, double> { ["streams"] = scale.IdleStreams };
        return
        [
            new Figure("memory per idle stream, all of one turn", "KiB", one, floor, Target.AtMostTimes(1.5), detail),
            new Figure("memory per idle stream, each of its own turn", "KiB", many, floor, Target.AtMostTimes(1.5), detail),
        ];
    }

    private static async Task<double> MeasureAsync(
        string what, BenchSystem system, Func<int, BenchTurn> turn, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        var api = await system.StartApiAsync(cancellationToken);
        var memory = await OpenAsync(what, api.Process, index => api.FollowAsync(turn(index), 0, cancellationToken), scale, progress, cancellationToken);
        await system.StopServicesAsync();
        return memory;
    }

    /// <summary>KiB per stream. A tenth of the streams is opened and closed first: code and pools are no stream's.</summary>
    private static async Task<double> OpenAsync(
        string what, ServiceProcess server, Func<int, Task<HttpResponseMessage>> open, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say($"{scale.IdleStreams} streams {what}");
        var streams = new HttpResponseMessage?[scale.IdleStreams];
        await EachAsync(scale with { IdleStreams = Math.Max(1, scale.IdleStreams / 10) }, async index => (await open(index)).Dispose());
        await Task.Delay(scale.Window / 4, cancellationToken);
        var before = ProcessMeter.Memory(server.ProcessId);
        try
        {
            await EachAsync(scale, async index => streams[index] = await open(index));
            await Task.Delay(scale.Window / 2, cancellationToken);
            var delta = ProcessMeter.Memory(server.ProcessId) - before;
            progress.Say($"from {before >> 20} MiB by {delta >> 20} MiB");
            return delta / 1024.0 / scale.IdleStreams;
        }
        finally
        {
            foreach (var stream in streams)
            {
                stream?.Dispose();
            }
        }
    }

    private static Task EachAsync(Scale scale, Func<int, Task> action) =>
        Parallel.ForAsync(0, scale.IdleStreams, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (index, _) => await action(index));
}
