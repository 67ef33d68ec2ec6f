using System.Runtime.CompilerServices;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Streaming.Sweeping;

/// <summary>The last entry of a turn's log, without its payload.</summary>
internal readonly record struct TurnLogEnd(string Subject, string Kind, DateTimeOffset Time);

/// <summary>
/// Reads the last entry of every turn's log. The server knows where those are: it sends one header for each turn, and never an entry in between. At most
/// a page of them is in memory here, however many turns there are.
/// </summary>
internal sealed class TurnLogEnds(INatsJSContext jetStream)
{
    private const int PageSize = 500;

    /// <summary>After this the server forgets a reader that died. Longer than a page of unfinished turns takes.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(5);

    /// <summary>What is written meanwhile may be missing, and what is told may be outdated: it says where to look, and decides nothing.</summary>
    public async IAsyncEnumerable<TurnLogEnd> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var consumer = await jetStream.CreateOrUpdateConsumerAsync(
            Streams.Tokens.Name,
            new ConsumerConfig
            {
                Name = $"sweep-{Guid.NewGuid():n}",
                FilterSubject = Subjects.AllTokens,
                DeliverPolicy = ConsumerConfigDeliverPolicy.LastPerSubject,
                HeadersOnly = true,
                AckPolicy = ConsumerConfigAckPolicy.None,
                MemStorage = true,
                NumReplicas = 1,
                InactiveThreshold = Forgotten,
            },
            cancellationToken);

        var more = consumer.Info.NumPending > 0;
        while (more)
        {
            more = false;
            await foreach (var entry in consumer.FetchNoWaitAsync(new NatsJSFetchOpts { MaxMsgs = PageSize }, NatsRawSerializer<byte[]>.Default, cancellationToken))
            {
                var metadata = entry.Metadata!.Value;
                more = metadata.NumPending > 0;
                yield return new TurnLogEnd(entry.Subject, entry.Headers?[TurnHeaders.Event].ToString() ?? "", metadata.Timestamp);
            }
        }

        await jetStream.DeleteConsumerAsync(Streams.Tokens.Name, consumer.Info.Name, cancellationToken);
    }
}
