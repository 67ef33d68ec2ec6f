using Kgents.Bench.Floors;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;

namespace Kgents.Bench.Figures;

/// <summary>
/// Memory of an API process for each stream on which nothing comes: of one waiting turn, and of as many waiting turns as streams. They wait because
/// there is no worker. Floor: Kestrel alone with as many open streams, for the same requests. Told twice: what the process has taken from the system when it has rested for a while, and what is left of that when
/// all garbage of the opening requests is collected, which Kgents does by itself at rest and Kestrel does not.
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
        using var client = new BenchClient(bare, BenchSystem.Key);
        var floor = await OpenAsync("floor: Kestrel alone", client, index => client.FollowAsync(turns[index], 0, cancellationToken), scale, progress, cancellationToken);
        await system.StopServicesAsync();
        var one = await MeasureAsync("of one turn", system, _ => turns[0], scale, progress, cancellationToken);
        var many = await MeasureAsync("of a turn each", system, index => turns[index], scale, progress, cancellationToken);

        var detail = new Dictionary<string, double> { ["streams"] = scale.IdleStreams };
        return
        [
            new Figure("memory per idle stream, all of one turn", "KiB", one.Taken, floor.Taken, Target.AtMostTimes(1.5), detail),
            new Figure("memory per idle stream, each of its own turn", "KiB", many.Taken, floor.Taken, Target.AtMostTimes(1.5), detail),
            new Figure("the same without garbage, all of one turn", "KiB", one.Held, floor.Held, null, detail),
            new Figure("the same without garbage, each of its own turn", "KiB", many.Held, floor.Held, null, detail),
        ];
    }

    private static async Task<Memory> MeasureAsync(
        string what, BenchSystem system, Func<int, BenchTurn> turn, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        var api = await system.ConnectAsync(await system.StartChildAsync(ChildServers.Api, [], cancellationToken), cancellationToken);
        var memory = await OpenAsync(what, api, index => api.FollowAsync(turn(index), 0, cancellationToken), scale, progress, cancellationToken);
        await system.StopServicesAsync();
        return memory;
    }

    /// <summary>KiB per stream. As many are open for as long, and closed, first: code, pools and what a table has grown to are no stream's.</summary>
    private static async Task<Memory> OpenAsync(
        string what, BenchClient server, Func<int, Task<HttpResponseMessage>> open, Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        progress.Say($"{scale.IdleStreams} streams {what}");
        var streams = new HttpResponseMessage?[scale.IdleStreams];
        await EachAsync(scale, async index => streams[index] = await open(index));
        await Task.Delay(scale.Rest, cancellationToken);
        Close(streams);
        await Task.Delay(scale.Window / 4, cancellationToken);

        // What its start has left is no stream's either, and Kgents would give it back later.
        await server.PostAsync(ChildServers.Collect, cancellationToken);
        var before = ProcessMeter.Memory(server.Process.ProcessId);
        try
        {
            await EachAsync(scale, async index => streams[index] = await open(index));
            await Task.Delay(scale.Rest, cancellationToken);
            var taken = ProcessMeter.Memory(server.Process.ProcessId) - before;
            await server.PostAsync(ChildServers.Collect, cancellationToken);
            var held = ProcessMeter.Memory(server.Process.ProcessId) - before;
            progress.Say($"from {before >> 20} MiB by {taken >> 20} MiB, {held >> 20} MiB without garbage");
            return new Memory(taken / 1024.0 / scale.IdleStreams, held / 1024.0 / scale.IdleStreams);
        }
        finally
        {
            Close(streams);
        }
    }

    private static void Close(HttpResponseMessage?[] streams) => Array.ForEach(streams, stream => stream?.Dispose());

    private static Task EachAsync(Scale scale, Func<int, Task> action) =>
        Parallel.ForAsync(0, scale.IdleStreams, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (index, _) => await action(index));

    /// <summary>In KiB for each stream.</summary>
    private readonly record struct Memory(double Taken, double Held);
}
