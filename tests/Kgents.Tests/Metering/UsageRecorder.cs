using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Metering;

/// <summary>Records usage as a worker does, and reads what metering makes of it. Its own host meters nothing.</summary>
internal sealed class UsageRecorder : IAsyncDisposable
{
    public static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    private readonly KgentsHost host;
    private int recorded;

    private UsageRecorder(KgentsHost host)
    {
        this.host = host;
        Ledger = new LedgerView(host);
    }

    public LedgerView Ledger { get; }

    public KgentsHost Host => host;

    public static async Task<UsageRecorder> StartAsync(NatsServer nats) => new(await KgentsHost.StartAsync(nats.Url, Parts.MeteringStreams));

    /// <summary>A metering host that is in a hurry. Returns when the ledger is open: what is recorded from then on cannot have been sent by anybody before.</summary>
    public static Task<KgentsHost> StartMeteringAsync(string natsUrl, OpenMeterStandIn? openMeter, params (string Key, string? Value)[] settings) =>
        StartMeteringAsync(natsUrl, openMeter, TimeProvider.System, settings);

    public static async Task<KgentsHost> StartMeteringAsync(string natsUrl, OpenMeterStandIn? openMeter, TimeProvider time, params (string Key, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>
        {
            ["ConnectionStrings:openmeter"] = openMeter?.ConnectionString,
            ["Metering:Ledger:PollInterval"] = "00:00:00.020",
            ["Metering:Ledger:Lease"] = "00:00:03",
            ["Metering:Export:BatchWait"] = "00:00:00.050",
            ["Metering:Export:RetryDelay"] = "00:00:00.010",
            ["Metering:Export:LongestRetryDelay"] = "00:00:00.020",
            ["Metering:Confirm:Interval"] = "00:00:00.020",
            ["Metering:Confirm:VisibleWithin"] = "00:00:01",
            ["Metering:Confirm:MissingAfter"] = "00:00:01.200",
            ["Metering:Confirm:Probe"] = "false",
        };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        var host = await KgentsHost.StartAsync(natsUrl, Parts.Metering, time, [.. all.Select(setting => (setting.Key, setting.Value))]);
        var ledger = new LedgerView(host);
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).IsOpen);
        return host;
    }

    public static Task<KgentsHost> StartMeteringAsync(NatsServer nats, OpenMeterStandIn? openMeter, params (string Key, string? Value)[] settings) =>
        StartMeteringAsync(nats.Url, openMeter, settings);

    /// <summary>Records events of ascending quantities, and returns their JSON.</summary>
    public async Task<IReadOnlyList<string>> RecordAsync(int count)
    {
        var events = Enumerable.Range(recorded, count).Select(index => UsageSample.Event(Guid.NewGuid().ToString(), Tenant, index)).ToList();
        foreach (var usage in events)
        {
            await RecordAsync(usage);
        }

        return [.. events];
    }

    /// <summary>Records these very bytes, whether they are an event or not.</summary>
    public async Task<ulong> RecordAsync(string json, TenantId? tenant = null)
    {
        var ack = await host.JetStream.PublishAsync(
            Subjects.Usage(tenant ?? Tenant, Session), Encoding.UTF8.GetBytes(json), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        recorded++;
        return ack.Seq;
    }

    /// <summary>Ends a turn as its worker would, before it records the usage.</summary>
    public async Task CommitAsync(TurnId turn, TurnCommitted commit)
    {
        var ack = await host.JetStream.PublishAsync(
            Subjects.Tokens(new TurnAddress(Tenant, Session, turn)), TurnEventCodec.Encode(commit), NatsRawSerializer<byte[]>.Default, headers: new NatsHeaders { [TurnHeaders.Event] = TurnEventCodec.Committed }, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
    }

    /// <summary>Ends a turn that used so much, as a worker does before it records the usage.</summary>
    public Task CommitAsync(string usage) => CommitAsync(TurnId.New(TimeProvider.System), new TurnCommitted(
        TurnStatus.Completed, null, "a-1", "hash", 0, 1, "model", TokenCounts.None, TimeProvider.System.GetUtcNow(), [new UsagePayload(UsageSample.IdOf(usage), usage)]));

    public async Task<IReadOnlyList<DeadLetter>> LettersAsync()
    {
        var letters = new List<DeadLetter>();
        await foreach (var stored in host.Reader.ReadAsync(Streams.DeadLetters.Name, Subjects.DeadLettersOf("usage"), 1, 0, TestContext.Current.CancellationToken))
        {
            letters.Add(JsonSerializer.Deserialize(stored.Data.Span, WireJson.Default.DeadLetter)!);
        }

        return letters;
    }

    public Task SettledAsync() => Ledger.SettledAsync();

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
