using Kgents.Contracts;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Metering.Export;

/// <summary>The durable consumer of KGENTS_USAGE. What it has not acknowledged stays with it, over restarts and for as long as OpenMeter is away.</summary>
internal sealed class UsageQueue(INatsJSContext jetStream, IOptions<ExportOptions> options, TimeProvider time)
{
    private const string ConsumerName = "metering";

    /// <summary>Longer than one try with its retries and the longest pause after it.</summary>
    private static readonly TimeSpan AckWait = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan PullExpiry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PullHeartbeat = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan GiveBackTimeout = TimeSpan.FromSeconds(2);

    private INatsJSConsumer? consumer;

    /// <summary>Waits for a first event, then a little for others. Empty when none came for a while.</summary>
    public async Task<IReadOnlyList<INatsJSMsg<byte[]>>> TakeAsync(CancellationToken cancellationToken)
    {
        consumer ??= await EnsureConsumerAsync(cancellationToken);
        var asked = time.GetTimestamp();
        if (await consumer.NextAsync(NatsRawSerializer<byte[]>.Default, new NatsJSNextOpts { Expires = PullExpiry, IdleHeartbeat = PullHeartbeat }, cancellationToken) is not { } first)
        {
            // Nobody was there to ask: the client says so by returning at once.
            return time.GetElapsedTime(asked) >= PullExpiry / 2 ? [] : throw new NatsJSException($"The consumer {ConsumerName} does not answer.");
        }

        var batch = new List<INatsJSMsg<byte[]>> { first };
        if (options.Value.BatchSize > 1)
        {
            var more = new NatsJSFetchOpts { MaxMsgs = options.Value.BatchSize - 1, Expires = options.Value.BatchWait };
            try
            {
                await foreach (var message in consumer.FetchAsync(more, NatsRawSerializer<byte[]>.Default, cancellationToken))
                {
                    batch.Add(message);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await GiveBackAsync(batch);
                throw;
            }
        }

        return batch;
    }

    /// <summary>The process stops: another exporter, or the next start, gets these at once; if NATS does not hear it, after the ack wait.</summary>
    public async Task GiveBackAsync(IReadOnlyList<INatsJSMsg<byte[]>> batch)
    {
        using var timeout = new CancellationTokenSource(GiveBackTimeout, time);
        try
        {
            foreach (var message in batch)
            {
                // Answered, so that it does not die with the connection, which closes next.
                await message.NakAsync(new AckOpts { DoubleAck = true }, cancellationToken: timeout.Token);
            }
        }
        catch (Exception exception) when (exception is NatsException or OperationCanceledException)
        {
            // They come again by themselves.
        }
    }

    /// <summary>Looks the consumer up again before the next batch.</summary>
    public void Reset() => consumer = null;

    private async Task<INatsJSConsumer> EnsureConsumerAsync(CancellationToken cancellationToken) => await jetStream.CreateOrUpdateConsumerAsync(
        Streams.Usage.Name,
        new ConsumerConfig(ConsumerName)
        {
            Description = "Usage on its way to OpenMeter",
            AckPolicy = ConsumerConfigAckPolicy.Explicit,
            AckWait = AckWait,
            // Money is never given up.
            MaxDeliver = -1,
            MaxAckPending = options.Value.BatchSize * 4,
        },
        cancellationToken);
}
