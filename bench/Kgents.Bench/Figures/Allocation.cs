using System.Diagnostics;
using System.Globalization;
using Kgents.Bench.Floors;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;

namespace Kgents.Bench.Figures;

/// <summary>
/// What an API process allocates for each event of a turn, less what it allocates while nothing comes. Floor: what the same process allocates to relay
/// as many messages with nothing but the NATS client and Kestrel. What is between the two is the API's own path: from the message as the
/// client hands it over, by sequence, frame, ring and viewer, to the bytes in the response.
/// </summary>
internal static class Allocation
{
    private const double EventsPerSecond = 200;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        await using var log = await BareLog.StartAsync(system.Nats.Url, cancellationToken);
        // It looks at its streams every 3 s, for 150 kB: one look more or less in a window would be 60 bytes an event.
        var api = await system.ConnectAsync(await system.StartChildAsync(ChildServers.Api, [], cancellationToken, ("Nats__CheckInterval", "00:05:00")), cancellationToken);
        await system.StartWorkerAsync(cancellationToken);
        system.Model.Load = new ModelLoad(EventsPerSecond, TimeSpan.FromMinutes(5));

        progress.Say("nothing");
        await Task.Delay(scale.WarmUp, cancellationToken);
        var (start, since) = (await AllocatedAsync(api, cancellationToken), Stopwatch.StartNew());
        await Task.Delay(scale.Window, cancellationToken);
        var idle = (await AllocatedAsync(api, cancellationToken) - start) / since.Elapsed.TotalSeconds;

        progress.Say("one viewer");
        var one = await ViewAsync(api, 1, idle, scale, cancellationToken);
        progress.Say($"{Many(scale)} viewers");
        var many = await ViewAsync(api, Many(scale), idle, scale, cancellationToken);
        progress.Say("floor: a bare relay");
        var floor = await RelayAsync(api, log, idle, scale, cancellationToken);

        // The viewers of one turn share its feed: what grows with their number is theirs.
        var perViewer = (many - one) / (Many(scale) - 1);
        var detail = new Dictionary<string, double> { ["one_viewer"] = one, ["many_viewers"] = many, ["viewers"] = Many(scale), ["idle_bytes_per_second"] = idle };
        return
        [
            new Figure("allocated per event, 1 viewer, whole process", "bytes", one, floor, null, detail),
            new Figure("allocated per event, 1 viewer, the API's own path", "bytes", one - floor, null, Target.Below(100, "bytes"), detail),
            new Figure("allocated per event for each further viewer", "bytes", perViewer, null, Target.Below(100, "bytes"), detail),
        ];
    }

    private static int Many(Scale scale) => Math.Max(2, scale.Viewers / 10);

    private static async Task<double> ViewAsync(BenchClient api, int viewers, double idle, Scale scale, CancellationToken cancellationToken)
    {
        await using var load = new Load(cancellationToken);
        var (turn, stream) = await api.BeginAsync(cancellationToken);
        stream.Dispose();
        for (var i = 0; i < viewers; i++)
        {
            await load.AddAsync(await api.FollowAsync(turn, 0, cancellationToken));
        }

        var allocated = await CountAsync(api, () => load.Events / viewers, idle, scale, cancellationToken);
        await api.CancelAsync(turn, cancellationToken);
        await load.WhenEndedAsync();
        return allocated;
    }

    private static async Task<double> RelayAsync(BenchClient api, BareLog log, double idle, Scale scale, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var relayed = await api.GetAsync("/bench/relay?subject=bench.live.%3E", cancellationToken);
        var latencies = new Viewers.Latencies();
        latencies.Open();
        var relay = log.RelayAsync(EventsPerSecond, latencies, stop.Token);
        var allocated = await CountAsync(api, () => latencies.Count, idle, scale, cancellationToken);
        await stop.CancelAsync();
        await relay;
        return allocated;
    }

    /// <param name="idle">Bytes per second that are no event's.</param>
    private static async Task<double> CountAsync(BenchClient api, Func<long> count, double idle, Scale scale, CancellationToken cancellationToken)
    {
        await Task.Delay(scale.WarmUp, cancellationToken);
        var (before, events, since) = (await AllocatedAsync(api, cancellationToken), count(), Stopwatch.StartNew());
        do
        {
            // On a machine that does much else a short window may pass without an event.
            await Task.Delay(scale.Window, cancellationToken);
        }
        while (count() == events);

        var (after, seen) = (await AllocatedAsync(api, cancellationToken), count() - events);
        return (after - before - (idle * since.Elapsed.TotalSeconds)) / seen;
    }

    private static async Task<long> AllocatedAsync(BenchClient api, CancellationToken cancellationToken)
    {
        using var response = await api.GetAsync("/bench/allocated", cancellationToken);
        return long.Parse(await response.Content.ReadAsStringAsync(cancellationToken), CultureInfo.InvariantCulture);
    }
}
