using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Kgents.Bench.Floors;
using Kgents.Bench.Report;
using Kgents.Bench.Systems;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Bench.Figures;

/// <summary>
/// An OpenMeter that was away while usage was recorded, and is back: how fast metering catches up, with its ledger and its confirmations, and what memory it has meanwhile. Floor: the same batches, one
/// after the other, by plain HTTP.
/// </summary>
internal static class UsageBacklog
{
    /// <summary>The default of <c>Metering:Export:BatchSize</c>.</summary>
    private const int Batch = 100;

    private const int AtOnce = 256;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(Scale scale, Progress progress, CancellationToken cancellationToken)
    {
        await using var system = await BenchSystem.StartAsync(cancellationToken);
        var openMeter = await system.StartChildAsync(ChildServers.OpenMeter, [], cancellationToken);
        using var http = new HttpClient { BaseAddress = openMeter.Address };
        await PostAsync(http, "/away?value=true", cancellationToken);
        var metering = await system.StartMeteringAsync($"Endpoint={openMeter.Address.GetLeftPart(UriPartial.Authority)}", cancellationToken);
        var peak = new Peak(metering.ProcessId);
        var before = peak.Sample();

        progress.Say($"recording {scale.UsageBacklog} usage events while OpenMeter is away");
        await RecordAsync(system.Nats.Url, scale.UsageBacklog, peak, cancellationToken);
        var entered = await EnteredAsync(system.Nats.Url, scale.UsageBacklog, peak, cancellationToken);
        var (recorded, start) = (peak.Sample(), Stopwatch.GetTimestamp());

        progress.Say("OpenMeter is back");
        await PostAsync(http, "/away?value=false", cancellationToken);
        while (await CountAsync(http, cancellationToken) < scale.UsageBacklog)
        {
            peak.Sample();
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await system.StopMeteringAsync(metering);
        progress.Say("floor: the same batches by plain HTTP");
        var floor = await PostBatchesAsync(http, scale.UsageBacklog, cancellationToken);
        var detail = new Dictionary<string, double> { ["events"] = scale.UsageBacklog, ["seconds_to_enter_the_rest"] = entered };
        return
        [
            new Figure("usage exported after an outage", "events/s", scale.UsageBacklog / seconds, floor, null, detail),
            new Figure("catch-up after an outage", "s", seconds, scale.UsageBacklog / floor, null, new Dictionary<string, double> { ["events"] = scale.UsageBacklog }),
            new Figure("memory of metering, highest", "MiB", Mebibytes(peak.Highest), Mebibytes(before), null, new Dictionary<string, double> { ["events"] = scale.UsageBacklog, ["when_all_waited"] = Mebibytes(recorded) }),
        ];
    }

    private static double Mebibytes(long bytes) => bytes / 1024.0 / 1024;

    private static async Task RecordAsync(string url, int count, Peak peak, CancellationToken cancellationToken)
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = url, Name = "bench-usage" });
        var jetStream = new NatsJSContext(connection);
        for (var sent = 0; sent < count; sent += AtOnce)
        {
            var acks = await Task.WhenAll(Enumerable.Range(sent, Math.Min(AtOnce, count - sent)).Select(number =>
                jetStream.PublishAsync(Subjects.Usage(Tenant, 0), Event(number, "a"), NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken).AsTask()));
            foreach (var ack in acks)
            {
                ack.EnsureSuccess();
            }

            peak.Sample();
        }
    }

    /// <summary>Seconds until the ledger has all.</summary>
    private static async Task<double> EnteredAsync(string url, int count, Peak peak, CancellationToken cancellationToken)
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = url, Name = "bench-ledger" });
        var reader = new ServiceDefaults.Nats.JetStreamReader(new NatsJSContext(connection));
        var log = new ServiceDefaults.Ledger.LedgerLog(0, reader);
        var (start, from, through) = (Stopwatch.GetTimestamp(), 1UL, 0UL);
        while (through < (ulong)count)
        {
            await foreach (var (entry, sequence, _) in log.ReadAsync(from, 0, cancellationToken))
            {
                (from, through) = (sequence, entry is UsageReceived received ? received.To : through);
            }

            peak.Sample();
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> PostBatchesAsync(HttpClient http, int count, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; sent < count; sent += Batch)
        {
            var events = Enumerable.Range(sent, Math.Min(Batch, count - sent)).Select(number => Encoding.UTF8.GetString(Event(number, "b")));
            using var content = new ByteArrayContent(Encoding.UTF8.GetBytes($"[{string.Join(',', events)}]"));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents-batch+json");
            using var response = await http.PostAsync(new Uri("/api/v1/events", UriKind.Relative), content, cancellationToken);
            response.EnsureSuccessStatusCode();
        }

        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task PostAsync(HttpClient http, string path, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), null, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<int> CountAsync(HttpClient http, CancellationToken cancellationToken) =>
        int.Parse(await http.GetStringAsync(new Uri("/count", UriKind.Relative), cancellationToken), CultureInfo.InvariantCulture);

    private static TenantId Tenant => TenantId.Parse("default");

    private static byte[] Event(int number, string run) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"id":"{{run}}-{{number}}","type":"{{UsageEvent.BillableType}}","subject":"default","time":"{{TimeProvider.System.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}","data":{"schema":"1","turn_id":"t-01a2075afea37cf69185e97d942d75ee","session_id":"s0-01a2075afe3e70888c7a25106fd2d9b7","message_id":"a-01a2075afea37cf69185e97d942d75ee","call_index":"0","attempt":"1","agent":"kgent","model":"bench-1","model_served":"bench-1","provider":"openai","outcome":"completed","billable":"true","usage_source":"provider","requests":"1","duration_ms":"410","input_tokens_uncached":"29","cache_read_tokens":"64","cache_write_tokens":"0","output_tokens_visible":"3","reasoning_tokens":"1","input_tokens":"93","output_tokens":"4","total_tokens":"97"},"specversion":"1.0","source":"urn:kgents:streaming","datacontenttype":"application/json"}"""));

    /// <summary>The most that a process was seen to have.</summary>
    private sealed class Peak(int processId)
    {
        public long Highest { get; private set; }

        public long Sample()
        {
            var now = ProcessMeter.Memory(processId);
            Highest = Math.Max(Highest, now);
            return now;
        }
    }
}
