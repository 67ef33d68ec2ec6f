using Kgents.Contracts;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Metering.Export;

/// <summary>The durable consumer of KGENTS_USAGE. What it has not acknowledged stays with it, over restarts and for as long as OpenMeter is away.</summary>
internal sealed class UsageQueue(INatsJSContext jetStream, IOptions<ExportOptions> options)
{
    private const string ConsumerName = "metering";

    /// <summary>Longer than one try with its retries and the longest pause after it.</summary>
    private static readonly TimeSpan AckWait = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan PullExpiry = TimeSpan.FromSeconds(30);

    private INatsJSConsumer? consumer;

    /// <summary>Waits for a first event, then a little for others. Empty when none came for a while.</summary>
    public async Task<IReadOnlyList<INatsJSMsg<byte[]>>> TakeAsync(CancellationToken cancellationToken)
    {
        consumer ??= await EnsureConsumerAsync(cancellationToken);
        if (await consumer.NextAsync(NatsRawSerializer<byte[]>.Default, new NatsJSNextOpts { Expires = PullExpiry }, cancellationToken) is not { } first)
        {
            return [];
        }

        var batch = new List<INatsJSMsg<byte[]>> { first };
        if (options.Value.BatchSize > 1)
        {
            var more = new NatsJSFetchOpts { MaxMsgs = options.Value.BatchSize - 1, Expires = options.Value.BatchWait };
            await foreach (var message in consumer.FetchAsync(more, NatsRawSerializer<byte[]>.Default, cancellationToken))
            {
                batch.Add(message);
            }
        }

        return batch;
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
