using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;

namespace Kgents.Tests.Metering;

/// <summary>
/// Thousands of usage events, two metering processes that are killed again and again, a nats-server that is killed too, and an OpenMeter that
/// does everything wrong that it is known to do. At the end each event is once in KGENTS_USAGE, in the ledger and in OpenMeter, or the ledger
/// names it. <c>KGENTS_EXACTNESS_EVENTS</c> makes it longer, and does it with deduplication too.
/// </summary>
[TakesSeconds(35)]
public sealed class ExactnessTests(ITestOutputHelper output)
{
    private const int Seed = 20261124;

    private static readonly TenantId[] Tenants = [TenantId.Parse("acme"), TenantId.Parse("globex"), TenantId.Parse("initech")];
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    /// <summary>Kills of a replica, spread over the run; in the middle of it one of the server each time too.</summary>
    private static int Kills => Math.Max(3, Events / 400);

    private static int Events => int.Parse(Wanted ?? "400", CultureInfo.InvariantCulture);

    private static string? Wanted => Environment.GetEnvironmentVariable("KGENTS_EXACTNESS_EVENTS");

    /// <summary>The harder one always: an OpenMeter that counts whatever it is sent.</summary>
    public static TheoryData<bool> Deduplicates => Wanted is null ? [false] : [false, true];

    [Theory(Timeout = 20 * 60 * 1000)]
    [MemberData(nameof(Deduplicates))]
    public async Task EveryEvent_IsOnceInTheStreamTheLedgerAndOpenMeter_OrIsNamed(bool deduplicates)
    {
        var token = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, token);
        await using var openMeter = await OpenMeterStandIn.StartAsync(token);
        await using var recorder = await UsageRecorder.StartAsync(nats);
        var faults = new OpenMeterChaos(Seed, doubles: !deduplicates, claims: deduplicates);
        (openMeter.Deduplicate, openMeter.VisibleAfter) = (deduplicates, TimeSpan.FromMilliseconds(200));
        (openMeter.Rule, openMeter.Fate) = (faults.Next, faults.FateOf);
        openMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");

        await using var replicas = new MeteringReplicas(nats.Url, openMeter.ConnectionString);
        await replicas.StartAsync();
        await replicas.StartAsync();
        await PublishAsync(recorder, replicas, nats, new Random(Seed));
        await EndAsync(recorder);

        await AssertExactAsync(recorder, openMeter, faults, replicas, deduplicates);
    }

    private static async Task PublishAsync(UsageRecorder recorder, MeteringReplicas replicas, NatsServer nats, Random random)
    {
        var published = new List<(TenantId Tenant, string Json)>();
        for (var i = 0; i < Events; i++)
        {
            var tenant = Tenants[random.Next(Tenants.Length)];
            var json = UsageSample.Event(
                new Guid(BitConverter.GetBytes(i).Concat(new byte[12]).ToArray()).ToString(), tenant, random.Next(50_000), random.Next(4_000),
                random.Next(100) == 0 ? "poison" : $"model-{random.Next(3)}", UsageSample.Time.AddHours(-random.Next(6)), random.Next(5) == 0 ? UsageEvent.NonBillableType : UsageEvent.BillableType);
            published.Add((tenant, random.Next(100) == 0 ? json.Replace("\"requests\":\"1\"", "\"requests\":\"none\"", StringComparison.Ordinal) : json));
            if (random.Next(25) == 0)
            {
                published.Add(published[random.Next(published.Count)]);
            }

            if (random.Next(100) == 0)
            {
                var (owner, other) = published[random.Next(published.Count)];
                published.Add((owner, other.Replace("\"attempt\":\"1\"", "\"attempt\":\"2\"", StringComparison.Ordinal)));
            }
        }

        foreach (var (part, index) in published.Chunk((published.Count / Kills) + 1).Select((part, index) => (part, index)))
        {
            foreach (var (tenant, json) in part)
            {
                await PublishAsync(recorder, tenant, json);
            }

            if (index % 3 == 1)
            {
                await nats.KillAsync(TestContext.Current.CancellationToken);
                await nats.RestartAsync(TestContext.Current.CancellationToken);
            }

            await replicas.KillOneAsync(random);
            await replicas.StartAsync();
        }
    }

    /// <summary>As the worker does: again, until the stream says that it has it. A copy that is stored twice is the ledger's to see.</summary>
    private static async Task PublishAsync(UsageRecorder recorder, TenantId tenant, string json)
    {
        while (true)
        {
            try
            {
                var ack = await recorder.Host.JetStream.PublishAsync(
                    Subjects.Usage(tenant, Session), Encoding.UTF8.GetBytes(json), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
                if (ack is { Error: null, Seq: > 0 })
                {
                    return;
                }
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, TestContext.Current.CancellationToken))
            {
                // Once more.
            }
        }
    }

    /// <summary>Nothing waits any more, and what is not settled is named as missing.</summary>
    private static Task EndAsync(UsageRecorder recorder) => Eventually.TrueAsync(async () =>
    {
        var last = await recorder.Ledger.RecordedAsync();
        var state = await recorder.Ledger.StateAsync();
        return state.ReceivedThrough == last && state.Waiting == 0 && state.Unsettled.Count == state.Missing;
    });

    private async Task AssertExactAsync(UsageRecorder recorder, OpenMeterStandIn openMeter, OpenMeterChaos faults, MeteringReplicas replicas, bool deduplicates)
    {
        var audit = new LedgerAudit(new UsageLedger(0, recorder.Host.Reader, recorder.Host.Services.GetRequiredService<FencedPublisher>(), TimeProvider.System), recorder.Host.Reader);
        await audit.RunAsync(TestContext.Current.CancellationToken);
        var state = await recorder.Ledger.StateAsync();
        var counted = (await recorder.Ledger.EntriesAsync<UsageReceived>()).SelectMany(range => range.Events).Where(each => each.Counts).ToDictionary(each => each.Sequence, each => each.Id);
        var doubled = (await recorder.Ledger.EntriesAsync<UsageConfirmed>()).SelectMany(confirmed => SequenceRange.All(confirmed.Doubled ?? [])).ToHashSet();
        output.WriteLine(
            $"{(deduplicates ? "with" : "without")} deduplication: {audit.Events} events recorded in {state.Number} entries: {state.Counts}; refused {state.Refused.Count}, missing {state.Missing}, doubled {doubled.Count}. "
            + $"OpenMeter has {openMeter.AcceptedEvents.Count} rows after {openMeter.Requests.Count} requests, {faults.Faults} of them faulty, and lost {openMeter.Lost} that it accepted; {replicas.Kills} replicas killed.");

        Assert.Empty(audit.Differences);

        // What is there twice is so by OpenMeter's own fault, and named: nothing was sent that was there.
        await DescribeAsync(recorder, [.. counted.Where(each => doubled.Contains(each.Key) != faults.Doubled.Contains(each.Value)).Select(each => each.Key)]);
        Assert.Equal(counted.Values.Where(faults.Doubled.Contains).Order(StringComparer.Ordinal), doubled.Select(each => counted[each]).Order(StringComparer.Ordinal));

        // Every row that each event should have by the ledger, and every row that there is.
        var expected = counted.SelectMany(each => Enumerable.Repeat(each.Value, state.Refused.Contains(each.Key) || state.Unsettled.ContainsKey(each.Key) ? 0 : doubled.Contains(each.Key) ? 2 : 1));
        var rows = openMeter.AcceptedEvents.Where(usage => usage.GetProperty("source").ValueEquals(UsageEvent.ConstantSource)).ToList();
        var shown = rows.Select(row => row.GetProperty("id").GetString()!).ToList();
        await DescribeAsync(recorder, openMeter, counted, [.. expected.CountBy(id => id).Except(shown.CountBy(id => id)).Concat(shown.CountBy(id => id).Except(expected.CountBy(id => id))).Select(each => each.Key).Distinct()]);
        Assert.Equal(expected.Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
        Assert.Equal(state.Counts.Counted, state.Counts.Confirmed + state.Refused.Count + state.Missing);
        Assert.True(replicas.Kills == Kills && faults.Faults > 0 && openMeter.Lost > 0 && state.Counts is { Duplicates: > 0, Quarantined: > 0 } && state.Refused.Count > 0, "Nothing went wrong, so nothing was shown.");

        // And in sums: each total, less what is named.
        var named = counted.Where(each => state.Refused.Contains(each.Key) || state.Unsettled.ContainsKey(each.Key) || doubled.Contains(each.Key)).Select(each => each.Value).ToHashSet();
        AssertSums(audit.Totals, rows, named, await NamedAsync(recorder, counted, named));
    }

    /// <summary>What the ledger knows of these.</summary>
    private async Task DescribeAsync(UsageRecorder recorder, IReadOnlyList<ulong> sequences)
    {
        foreach (var entry in sequences.Count > 0 ? await recorder.Ledger.EntriesAsync() : [])
        {
            var ranges = entry switch
            {
                UsageSending sending => sending.Events,
                UsageAccepted accepted => accepted.Events,
                UsageConfirmed confirmed => confirmed.Events,
                _ => [],
            };
            foreach (var sequence in SequenceRange.All(ranges).Intersect(sequences))
            {
                output.WriteLine($"{sequence}: {entry.Number} {entry.At:HH:mm:ss.fff} {entry.GetType().Name} {(entry as UsageSending)?.Again} by {entry.Writer}");
            }
        }
    }

    /// <summary>What the ledger and OpenMeter know of these.</summary>
    private async Task DescribeAsync(UsageRecorder recorder, OpenMeterStandIn openMeter, Dictionary<ulong, string> counted, IReadOnlyList<string> ids)
    {
        await DescribeAsync(recorder, [.. counted.Where(each => ids.Contains(each.Value)).Select(each => each.Key)]);
        foreach (var request in ids.Count > 0 ? openMeter.Requests : [])
        {
            var body = Encoding.UTF8.GetString(request.Body.Span);
            foreach (var id in ids.Where(id => body.Contains(id, StringComparison.Ordinal)))
            {
                output.WriteLine($"{id}: sent {request.At:HH:mm:ss.fff} among {request.EventCount}: {request.Fault}");
            }
        }
    }

    private static async Task<IReadOnlyList<UsageTotal>> NamedAsync(UsageRecorder recorder, Dictionary<ulong, string> counted, HashSet<string> named)
    {
        var totals = new List<UsageTotal>();
        await foreach (var stored in recorder.Host.Reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, 1, 0, TestContext.Current.CancellationToken))
        {
            if (counted.TryGetValue(stored.Sequence, out var id) && named.Contains(id) && Subjects.TryParseUsage(stored.Subject, out _, out var tenant))
            {
                totals.Add(InspectedUsage.Read(stored.Data, tenant, TimeProvider.System.GetUtcNow()).Used!);
            }
        }

        return totals;
    }

    private static void AssertSums(IEnumerable<UsageTotal> totals, IEnumerable<JsonElement> rows, HashSet<string> named, IReadOnlyList<UsageTotal> less)
    {
        var shown = rows.Where(row => !named.Contains(row.GetProperty("id").GetString()!))
            .Select(row => InspectedUsage.Read(Encoding.UTF8.GetBytes(row.GetRawText()), TenantId.Parse(row.GetProperty("subject").GetString()!), TimeProvider.System.GetUtcNow()).Used!);
        Assert.Equal(Lines(totals, less), Lines(shown, []));
    }

    private static IReadOnlyList<string> Lines(IEnumerable<UsageTotal> totals, IEnumerable<UsageTotal> less) =>
    [
        .. totals.Concat(less.Select(total => Negative(total)))
            .GroupBy(total => (total.Tenant, total.Hour, total.Model, total.Type))
            .Select(group => group.Aggregate((one, two) => one.Plus(two)))
            .Where(total => total.Events > 0)
            .Select(total => total.ToString()).Order(StringComparer.Ordinal),
    ];

    private static UsageTotal Negative(UsageTotal total) => total with
    {
        Events = -total.Events,
        Requests = -total.Requests,
        InputTokensUncached = -total.InputTokensUncached,
        CacheReadTokens = -total.CacheReadTokens,
        CacheWriteTokens = -total.CacheWriteTokens,
        OutputTokensVisible = -total.OutputTokensVisible,
        ReasoningTokens = -total.ReasoningTokens,
        TotalTokens = -total.TotalTokens,
    };
}
