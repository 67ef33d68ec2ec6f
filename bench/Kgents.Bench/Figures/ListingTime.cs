using System.Diagnostics;
using System.Text.Json;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Bench.Viewers;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Bench.Figures;

/// <summary>From a client's request to its first page of a tenant's sessions, all of it, when the tenant has very many. Floor: the same when it has a page and a half.</summary>
internal static class ListingTime
{
    private const int Page = 50;
    private const int Few = Page * 3 / 2;
    private const int AtOnce = 256;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var api = await system.StartApiAsync(cancellationToken);
        await using var connection = new NatsConnection(new NatsOpts { Url = system.Nats.Url, Name = "bench-writer" });
        var jetStream = new NatsJSContext(connection);

        progress.Say($"floor: {Few} sessions");
        await WriteAsync(jetStream, Few, cancellationToken);

        // The floor comes first: what its process has not compiled yet would be its time.
        await ListAsync(api, scale, cancellationToken);
        var floor = await ListAsync(api, scale, cancellationToken);
        progress.Say($"{scale.Sessions} sessions");
        await WriteAsync(jetStream, scale.Sessions - Few, cancellationToken);
        var many = await ListAsync(api, scale, cancellationToken);

        var detail = new Dictionary<string, double> { ["sessions"] = scale.Sessions, ["p99"] = many.Milliseconds(99), ["floor_p99"] = floor.Milliseconds(99) };
        return [new Figure($"first page of {Page} sessions, p50", "ms", many.Milliseconds(50), floor.Milliseconds(50), Target.AtMostTimes(2), detail)];
    }

    private static Task WriteAsync(NatsJSContext jetStream, int count, CancellationToken cancellationToken) => Parallel.ForAsync(
        0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (_, token) =>
        {
            var (tenant, session) = (TenantId.Parse("default"), SessionId.New(0, TimeProvider.System));
            var record = new SessionRecord(session, tenant, "A session", "kgent", DialogueModes.Reflect, TimeProvider.System.GetUtcNow());
            var ack = await jetStream.PublishAsync(
                Subjects.SessionRecord(tenant, session), JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.SessionRecord), NatsRawSerializer<byte[]>.Default, cancellationToken: token);
            ack.EnsureSuccess();
        });

    private static async Task<Latencies> ListAsync(BenchClient api, Scale scale, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        for (var i = -(scale.Resumes / 3); i < scale.Resumes; i++)
        {
            if (i == 0)
            {
                latencies.Open();
            }

            var started = Stopwatch.GetTimestamp();
            using var response = await api.GetAsync($"/v1/kgent/sessions?limit={Page}", cancellationToken);
            var page = JsonElement.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            latencies.Record(started, Stopwatch.GetTimestamp());
            if (page.GetProperty("sessions").GetArrayLength() != Page)
            {
                throw new InvalidOperationException("The page is not full.");
            }
        }

        return latencies;
    }
}
