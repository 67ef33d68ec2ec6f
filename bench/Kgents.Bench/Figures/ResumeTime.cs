using System.Diagnostics;
using System.Globalization;
using Kgents.Bench.Floors;
using Kgents.Bench.Model;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;

namespace Kgents.Bench.Figures;

/// <summary>From a client's request to the first of the many events that it missed. Floor: from a batch direct get of the same events to its first message.</summary>
internal static class ResumeTime
{
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        await using var log = await BareLog.StartAsync(system.Nats.Url, cancellationToken);
        var (subject, last) = (BareLog.NewSubject(), 0UL);
        for (var index = 0; index < scale.Behind; index++)
        {
            last = await log.AppendAsync(subject, BareLog.Payload(0), last, "run", index, cancellationToken);
        }

        var api = await system.StartApiAsync(cancellationToken);
        await system.StartWorkerAsync(cancellationToken);
        progress.Say($"writing a turn of {scale.Behind} events");
        var (turn, after) = await WriteAsync(system, api, scale, cancellationToken);

        progress.Say($"resuming {scale.Resumes} times");
        var (resume, direct) = (new Latencies(), new Latencies());
        for (var i = -(scale.Resumes / 3); i < scale.Resumes; i++)
        {
            if (i == 0)
            {
                resume.Open();
                direct.Open();
            }

            // One of each in turn: what else the machine does meets both.
            await ResumeAsync(api, turn, after, resume, cancellationToken);
            await GetAsync(log, subject, scale.Behind, direct, cancellationToken);
        }

        var detail = new Dictionary<string, double> { ["events_behind"] = scale.Behind, ["p99"] = resume.Milliseconds(99), ["floor_p99"] = direct.Milliseconds(99) };
        return [new Figure("resume, first event, p50", "ms", resume.Milliseconds(50), direct.Milliseconds(50), Target.AtMostTimes(3), detail)];
    }

    /// <summary>A turn with more events than are to be missed, and the cursor of a client that missed so many.</summary>
    private static async Task<(BenchTurn Turn, ulong After)> WriteAsync(BenchSystem system, BenchClient api, Scale scale, CancellationToken cancellationToken)
    {
        // At a pace at which each token has an event of its own; where the machine does much else, tokens share events until the pace is slow enough.
        // The turn goes on meanwhile, so that it is resumed as one under way.
        for (var pace = 250.0; ; pace /= 2)
        {
            system.Model.Load = new ModelLoad(pace, TimeSpan.FromMinutes(5), scale.Behind + 500);
            await using var load = new Load(cancellationToken);
            var (turn, stream) = await api.BeginAsync(cancellationToken);
            var viewer = await load.AddAsync(stream);
            await load.WhenEndedAsync();
            if (viewer.Events >= scale.Behind)
            {
                // Nothing else writes to the log's stream, so sequences have no holes.
                return (turn, viewer.LastId - (ulong)scale.Behind);
            }
        }
    }

    private static async Task ResumeAsync(BenchClient api, BenchTurn turn, ulong after, Latencies latencies, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var response = await api.FollowAsync(turn, after, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var seen = 0;
        await new SseStream(4096).ReadAsync(
            stream,
            (_, name, _) =>
            {
                if (seen++ == 0)
                {
                    latencies.Record(started, Stopwatch.GetTimestamp());
                }

                // To the end, so that the connection can be used again.
                return !name.SequenceEqual("complete"u8);
            },
            cancellationToken);
    }

    private static async Task GetAsync(BareLog log, string subject, int count, Latencies latencies, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var request = string.Create(CultureInfo.InvariantCulture, $$"""{"seq":1,"next_by_subj":"{{subject}}","batch":{{count}}}""");
        var seen = 0;
        await foreach (var message in log.DirectGetAsync(request, cancellationToken))
        {
            if (seen++ == 0)
            {
                latencies.Record(started, Stopwatch.GetTimestamp());
            }

            if (message.Headers?.Code is 204 or 404)
            {
                break;
            }
        }
    }
}
