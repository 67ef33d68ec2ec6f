using System.Text.Json;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

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
    private IReadOnlyList<string>? names;

    /// <param name="authority">The file of the CA that is to be trusted.</param>
    internal Store(string url, string? authority = null)
    {
        connection = new NatsConnection(
            new NatsOpts { Url = url, Name = "end-to-end", RetryOnInitialConnect = true, TlsOpts = new NatsTlsOpts { CaFile = authority, Mode = authority is null ? TlsMode.Auto : TlsMode.Require } });
        jetStream = new NatsJSContext(connection);
    }

    /// <summary>
    /// How often each stream was written: anything stored, even over something older, changes it. Requests are counted a moment after they were answered, so of usage only that of turns is looked at.
    /// </summary>
    public async Task<IReadOnlyList<string>> WritesAsync()
    {
        var writes = new List<string>();
        foreach (var stream in All)
        {
            var state = (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info.State;
            writes.Add(stream == Streams.Usage.Name ? $"{stream}: {await CountTurnUsageAsync()} kept" : $"{stream}: {state.LastSeq} written, {state.Messages} kept");
        }

        return writes;
    }

    private async Task<long> CountTurnUsageAsync()
    {
        var request = new StreamInfoRequest { SubjectsFilter = $"kgents.usage.*.*.{UsageOrigins.Turns}" };
        var subjects = (await jetStream.GetStreamAsync(Streams.Usage.Name, request, TestContext.Current.CancellationToken)).Info.State.Subjects;
        return subjects?.Values.Sum() ?? 0;
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
        var state = (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info.State;
        var consumer = await jetStream.CreateOrderedConsumerAsync(stream, cancellationToken: TestContext.Current.CancellationToken);
        while (state.Messages > 0 && (messages.Count == 0 || messages[^1].Sequence < state.LastSeq))
        {
            // A consumer that was made a moment ago may answer on a cluster that it has nothing.
            ulong? pending = null;
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

    /// <summary>The node that leads a stream; null while there is none, or while nobody says.</summary>
    public async Task<string?> LeaderAsync(string stream) => (await InfoAsync(stream))?.Cluster?.Leader;

    /// <summary>Each stream has its leader, and a copy on every other node that lacks nothing.</summary>
    public async Task<bool> IsWholeAsync()
    {
        foreach (var stream in names ??= await jetStream.ListStreamNamesAsync(cancellationToken: TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken))
        {
            if (await InfoAsync(stream) is not { Cluster: { Leader: not null, Replicas: { Count: 2 } copies } } || copies.Any(copy => !copy.Current || copy.Offline))
            {
                return false;
            }
        }

        return true;
    }

    private async Task<StreamInfo?> InfoAsync(string stream)
    {
        try
        {
            return (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info;
        }
        catch (Exception exception) when (exception is NatsException or OperationCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>How many of the sequences that a stream gave it does not have any more.</summary>
    public async Task<ulong> MissingAsync(string stream)
    {
        var state = (await jetStream.GetStreamAsync(stream, cancellationToken: TestContext.Current.CancellationToken)).Info.State;
        return state.LastSeq - (ulong)state.Messages;
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
