using System.Diagnostics;
using System.Globalization;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Bench.Figures;

/// <summary>
/// A turn that is told again. At its own pace: by how much the time of each event, counted from the first one, differs from that in the log. Floor: how late a timer of this process is for the same
/// times. And without pauses, as a whole. Floor: the same turn as it is resumed from its beginning.
/// </summary>
internal static class ReplayTime
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var api = await system.StartApiAsync(cancellationToken);
        await system.StartWorkerAsync(cancellationToken);
        system.Model.Load = new ModelLoad(scale.TokensPerSecond, scale.Window);
        progress.Say($"writing a turn of {scale.Window.TotalSeconds:0.#} s");
        var (turn, response) = await api.BeginAsync(cancellationToken);
        await ReadAsync(response, cancellationToken);
        var times = await TimesAsync(system.Nats.Url, turn, cancellationToken);

        var (error, timer, replay, resume) = (new Latencies(), new Latencies(), new Latencies(), new Latencies());
        error.Open();
        timer.Open();
        for (var i = 0; i < scale.Replays; i++)
        {
            progress.Say($"replaying it at its own pace, {i + 1} of {scale.Replays}");
            foreach (var (id, at) in await ReadAsync(await api.ReplayAsync(turn, "1", cancellationToken), cancellationToken))
            {
                Record(error, at - times[id]);
            }

            await TimeAsync(times.Values, timer, cancellationToken);
        }

        progress.Say($"replaying it without pauses, {scale.Resumes} times");
        for (var i = -(scale.Resumes / 3); i < scale.Resumes; i++)
        {
            if (i == 0)
            {
                replay.Open();
                resume.Open();
            }

            await WholeAsync(() => api.ReplayAsync(turn, "max", cancellationToken), replay, cancellationToken);
            await WholeAsync(() => api.FollowAsync(turn, 0, cancellationToken), resume, cancellationToken);
        }

        var detail = new Dictionary<string, double> { ["events"] = times.Count, ["p99"] = error.Milliseconds(99), ["floor_p99"] = timer.Milliseconds(99), ["longest"] = error.Milliseconds(100) };
        return
        [
            new Figure("replay at speed 1, error of an event, p50", "ms", error.Milliseconds(50), timer.Milliseconds(50), Target.Below(20, "ms"), detail),
            new Figure("replay without pauses, whole turn, p50", "ms", replay.Milliseconds(50), resume.Milliseconds(50), Target.AtMostTimes(2), new Dictionary<string, double> { ["p99"] = replay.Milliseconds(99), ["floor_p99"] = resume.Milliseconds(99) }),
        ];
    }

    /// <summary>When each entry of the turn's log was stored, counted from the first.</summary>
    private static async Task<Dictionary<ulong, TimeSpan>> TimesAsync(string url, BenchTurn turn, CancellationToken cancellationToken)
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = url, Name = "bench-reader" });
        var subject = Subjects.Tokens(new TurnAddress(TenantId.Parse("default"), SessionId.Parse(turn.Session), TurnId.Parse(turn.Id)));
        var entries = await new JetStreamReader(new NatsJSContext(connection)).ReadAsync(Streams.Tokens.Name, subject, 1, 0, cancellationToken).ToListAsync(cancellationToken);
        return entries.ToDictionary(entry => entry.Sequence, entry => entry.Time - entries[0].Time);
    }

    /// <summary>The events of a stream to its end, each with its time after the first.</summary>
    private static async Task<List<(ulong Id, TimeSpan At)>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var answer = response;
        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var events = new List<(ulong Id, TimeSpan At)>();
        var first = 0L;
        await new SseStream(4096).ReadAsync(
            stream,
            (id, name, _) =>
            {
                var now = Stopwatch.GetTimestamp();
                first = events.Count == 0 ? now : first;
                events.Add((ulong.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture), Stopwatch.GetElapsedTime(first, now)));
                return !name.SequenceEqual("complete"u8);
            },
            cancellationToken);
        return events;
    }

    private static async Task TimeAsync(IEnumerable<TimeSpan> times, Latencies timer, CancellationToken cancellationToken)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var due in times)
        {
            while (due - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } pause)
            {
                await Task.Delay(pause, cancellationToken);
            }

            Record(timer, Stopwatch.GetElapsedTime(began) - due);
        }
    }

    private static async Task WholeAsync(Func<Task<HttpResponseMessage>> ask, Latencies latencies, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await ReadAsync(await ask(), cancellationToken);
        latencies.Record(started, Stopwatch.GetTimestamp());
    }

    private static void Record(Latencies latencies, TimeSpan error)
    {
        var now = Stopwatch.GetTimestamp();
        latencies.Record(now, now + (long)(error.Duration().TotalSeconds * Stopwatch.Frequency));
    }
}
