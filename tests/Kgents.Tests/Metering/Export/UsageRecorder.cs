using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Metering.Export;

/// <summary>Records usage as a worker does, and sees how far the export of it has come. Its own metering host has no OpenMeter.</summary>
internal sealed class UsageRecorder : IAsyncDisposable
{
    private const int ConsumerNotFound = 10014;

    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    private readonly KgentsHost host;
    private int recorded;

    private UsageRecorder(KgentsHost host) => this.host = host;

    public IReadOnlyList<string> Logs => host.Logs.Lines;

    public static async Task<UsageRecorder> StartAsync(NatsServer nats) => new(await KgentsHost.StartAsync(nats.Url, Parts.Metering));

    /// <summary>A metering host that is in a hurry, for an OpenMeter.</summary>
    public static Task<KgentsHost> StartExportAsync(NatsServer nats, OpenMeterStandIn openMeter, int batchSize) => KgentsHost.StartAsync(
        nats.Url,
        Parts.Metering,
        ("ConnectionStrings:openmeter", openMeter.ConnectionString),
        ("Metering:Export:BatchSize", batchSize.ToString(CultureInfo.InvariantCulture)),
        ("Metering:Export:RetryDelay", "00:00:00.010"),
        ("Metering:Export:LongestRetryDelay", "00:00:00.010"));

    public async Task<IReadOnlyList<string>> RecordAsync(int count)
    {
        var events = Enumerable.Range(recorded, count).Select(NewEvent).ToList();
        foreach (var (id, json) in events)
        {
            await RecordAsync(id, json);
        }

        return [.. events.Select(usage => usage.Json)];
    }

    /// <summary>Records these very bytes, whether they are an event or not.</summary>
    public async Task RecordAsync(string id, string json)
    {
        var ack = await host.JetStream.PublishAsync(
            Subjects.Usage(Tenant, Session), Encoding.UTF8.GetBytes(json), NatsRawSerializer<byte[]>.Default, new NatsJSPubOpts { MsgId = id }, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        recorded++;
    }

    public async Task<long> StoredAsync() =>
        (await host.JetStream.GetStreamAsync(Streams.Usage.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.State.Messages;

    /// <summary>The events that are delivered and not acknowledged, and the sequence up to which all are acknowledged.</summary>
    public async Task<(long Pending, ulong AckFloor)> ProgressAsync()
    {
        try
        {
            var info = (await host.JetStream.GetConsumerAsync(Streams.Usage.Name, "metering", TestContext.Current.CancellationToken)).Info;
            return (info.NumAckPending, info.AckFloor.StreamSeq);
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == ConsumerNotFound)
        {
            return (0, 0);
        }
    }

    /// <summary>Waits until everything recorded is acknowledged.</summary>
    public Task SettledAsync() => Eventually.TrueAsync(async () => await ProgressAsync() == (0, (ulong)recorded));

    public async Task<IReadOnlyList<string>> ConsumersAsync() => await host.JetStream.ListConsumerNamesAsync(Streams.Usage.Name, TestContext.Current.CancellationToken)
        .ToListAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync() => host.DisposeAsync();

    private static (string Id, string Json) NewEvent(int index)
    {
        var id = Guid.NewGuid().ToString();
        var turn = TurnId.New(TimeProvider.System);
        var tokens = index.ToString(CultureInfo.InvariantCulture);
        return (id, JsonSerializer.Serialize(
            new UsageEvent(id, UsageEvent.BillableType, Tenant, "2026-01-02T03:04:05.678Z", new UsageData
            {
                TurnId = turn,
                SessionId = Session,
                MessageId = turn.AssistantMessageId,
                CallIndex = "0",
                Attempt = "1",
                Model = "größer",
                ModelServed = "größer",
                Provider = "openai",
                Outcome = "completed",
                Billable = "true",
                UsageSource = "provider",
                DurationMs = "1",
                InputTokensUncached = tokens,
                CacheReadTokens = "0",
                CacheWriteTokens = "0",
                OutputTokensVisible = "0",
                ReasoningTokens = "0",
                InputTokens = tokens,
                OutputTokens = "0",
                TotalTokens = tokens,
            }),
            WireJson.Default.UsageEvent));
    }
}
