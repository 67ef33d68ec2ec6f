using System.Text.Json;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>What the streams hold, seen from outside the services.</summary>
public sealed class Store : IAsyncDisposable
{
    private static readonly string[] All =
    [
        Streams.Messages.Name, Streams.Tokens.Name, Streams.Usage.Name, Subjects.KeyValueStream(Buckets.Sessions), Subjects.KeyValueStream(Buckets.ApiKeys),
        Subjects.KeyValueStream(Buckets.Idempotency),
    ];

    private readonly NatsConnection connection;
    private readonly NatsJSContext jetStream;

    internal Store(string url)
    {
        connection = new NatsConnection(new NatsOpts { Url = url, Name = "end-to-end", RetryOnInitialConnect = true });
        jetStream = new NatsJSContext(connection);
    }

    /// <summary>How often each stream was written: anything stored, even over something older, changes it.</summary>
    public async Task<IReadOnlyList<string>> WritesAsync()
    {
        var writes = new List<string>();
        foreach (var stream in All)
        {
            var state = (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info.State;
            writes.Add($"{stream}: {state.LastSeq} written, {state.Messages} kept");
        }

        return writes;
    }

    /// <summary>Returns when metering has taken and acknowledged every usage event that is stored: what OpenMeter has not by then, it never gets.</summary>
    public Task UsageExportedAsync() => Eventually.TrueAsync(async () =>
    {
        var consumer = (await jetStream.GetConsumerAsync(Streams.Usage.Name, "metering", TestContext.Current.CancellationToken)).Info;
        return consumer is { NumPending: 0, NumAckPending: 0 };
    });

    /// <summary>Every stored usage event.</summary>
    public async Task<IReadOnlyList<JsonElement>> UsageAsync()
    {
        var usage = await jetStream.GetStreamAsync(Streams.Usage.Name, cancellationToken: TestContext.Current.CancellationToken);
        var events = new List<JsonElement>();
        for (var sequence = usage.Info.State.FirstSeq; sequence <= usage.Info.State.LastSeq; sequence++)
        {
            var stored = await usage.GetAsync(new() { Seq = sequence }, TestContext.Current.CancellationToken);
            events.Add(JsonElement.Parse(stored.Message.Data.Span));
        }

        return events;
    }

    /// <summary>Gives a tenant a key, as the tenant administration will.</summary>
    internal async Task AddKeyAsync(ApiKey key, string tenant)
    {
        var ack = await jetStream.PublishAsync(
            Subjects.KeyValue(Buckets.ApiKeys, key.Hash),
            JsonSerializer.SerializeToUtf8Bytes(key.RecordFor(tenant), WireJson.Default.ApiKeyRecord),
            NatsRawSerializer<byte[]>.Default,
            cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
