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
        Streams.Messages.Name, Streams.Tokens.Name, Streams.Usage.Name, Subjects.KeyValueStream(Buckets.Sessions), Subjects.KeyValueStream(Buckets.Idempotency),
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

    /// <summary>Returns when every usage event that is stored is in the ledger, and every one that counts is confirmed: OpenMeter shows it.</summary>
    public Task UsageExportedAsync() => Eventually.TrueAsync(async () =>
    {
        var usage = (await jetStream.GetStreamAsync(Streams.Usage.Name, cancellationToken: TestContext.Current.CancellationToken)).Info.State;
        var entries = await LedgerAsync();
        var received = entries.OfType<UsageReceived>().ToList();
        var counted = received.SelectMany(entry => entry.Events).Where(each => each.Counts).Select(each => each.Sequence);
        var confirmed = entries.OfType<UsageConfirmed>().SelectMany(entry => SequenceRange.All(entry.Events));
        return received.LastOrDefault()?.To == usage.LastSeq && !counted.Except(confirmed).Any();
    });

    private async Task<IReadOnlyList<LedgerEntry>> LedgerAsync()
    {
        var ledger = await jetStream.GetStreamAsync(Streams.Ledger.Name, cancellationToken: TestContext.Current.CancellationToken);
        var entries = new List<LedgerEntry>();
        for (var sequence = ledger.Info.State.FirstSeq; sequence <= ledger.Info.State.LastSeq; sequence++)
        {
            var stored = await ledger.GetAsync(new() { Seq = sequence }, TestContext.Current.CancellationToken);
            entries.Add(JsonSerializer.Deserialize(stored.Message.Data.Span, WireJson.Default.LedgerEntry)!);
        }

        return entries;
    }

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

    /// <summary>All that a stream holds, in its order.</summary>
    public async Task<IReadOnlyList<StoredMessage>> ReadAsync(string stream)
    {
        var messages = new List<StoredMessage>();
        var last = await LastAsync(stream);
        var consumer = await jetStream.CreateOrderedConsumerAsync(stream, cancellationToken: TestContext.Current.CancellationToken);
        while (messages.Count == 0 || messages[^1].Sequence < last)
        {
            var pending = 0UL;
            await foreach (var message in consumer.FetchNoWaitAsync(new NatsJSFetchOpts { MaxMsgs = 5000 }, NatsRawSerializer<byte[]>.Default, TestContext.Current.CancellationToken))
            {
                var metadata = message.Metadata!.Value;
                pending = metadata.NumPending;
                messages.Add(new StoredMessage(
                    metadata.Sequence.Stream, message.Subject, message.Data ?? [], message.Headers?.ToDictionary(header => header.Key, header => header.Value.ToString()) ?? [], metadata.Timestamp));
            }

            if (pending == 0)
            {
                return messages;
            }
        }

        return messages;
    }

    /// <summary>Writes an entry of a turn's log by hand, where no worker does.</summary>
    public async Task AppendAsync(string subject, TurnEvent turnEvent)
    {
        var headers = new NatsHeaders { [TurnHeaders.Event] = TurnEventCodec.KindOf(turnEvent), [TurnHeaders.Writer] = "by-hand:0" };
        var ack = await jetStream.PublishAsync(subject, TurnEventCodec.Encode(turnEvent), NatsRawSerializer<byte[]>.Default, headers: headers, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
    }

    /// <summary>The last sequence that a stream was given.</summary>
    public async Task<ulong> LastAsync(string stream) => (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info.State.LastSeq;

    /// <summary>The queue of turns has nothing left to do.</summary>
    public async Task<bool> IsIdleAsync()
    {
        var consumer = (await jetStream.GetConsumerAsync(Streams.Messages.Name, "turn-workers", TestContext.Current.CancellationToken)).Info;
        return consumer is { NumPending: 0, NumAckPending: 0 };
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
