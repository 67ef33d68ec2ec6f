using System.Globalization;
using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>
/// Follows a turn's log from a sequence to its terminal event: what is stored already by direct get, what comes by the server's republishing,
/// which it does only after storing. Each entry once, in order, with no hole: a live message names the one before it, and the log fills a gap.
/// </summary>
internal sealed partial class TurnFollower(
    INatsConnection connection, JetStreamReader reader, IOptions<TurnStreamOptions> options, TimeProvider time, ILogger<TurnFollower> logger)
{
    private const int PageSize = 256;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>All entries that are ready, together. An empty batch means that nothing came for a while.</summary>
    public async IAsyncEnumerable<IReadOnlyList<StoredEntry>> FollowAsync(TurnAddress turn, ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // First listen, then read: what is stored between the two comes both ways, and the sequence tells it. A ping that is lost does not
        // matter: what the subscription then misses, the next message or the look at the tail finds.
        await using var live = await connection.SubscribeCoreAsync(
            Subjects.Live(turn),
            serializer: NatsRawSerializer<byte[]>.Default,
            opts: new NatsSubOpts { ChannelOpts = new NatsSubChannelOpts { Capacity = PageSize } },
            cancellationToken: cancellationToken);
        await PingAsync(turn, cancellationToken);

        var last = after;
        var upTo = 0UL;
        var behind = true;
        var checkedTail = time.GetTimestamp();
        while (true)
        {
            var fromLog = behind;
            var batch = fromLog
                ? await ReadLogAsync(turn, last, upTo, cancellationToken)
                : Drain(live, last, ref upTo, ref behind);
            if (batch is null)
            {
                // NATS does not answer: stay behind, and try again shortly.
                await Task.Delay(RetryDelay, time, cancellationToken);
                yield return [];
                continue;
            }

            if (batch.Count > 0)
            {
                last = batch[^1].Sequence;
                yield return batch;
                if (IsTerminal(batch[^1]))
                {
                    yield break;
                }
            }

            if (fromLog)
            {
                // An empty page is the end, also when an entry that was there is not there any more.
                behind = batch.Count == PageSize || (batch.Count > 0 && last < upTo);
            }

            if (!behind && batch.Count == 0 && !await WaitAsync(live, cancellationToken))
            {
                if (time.GetElapsedTime(checkedTail) >= options.Value.TailCheckInterval)
                {
                    (behind, upTo) = await CheckTailAsync(turn, last, cancellationToken);
                    checkedTail = time.GetTimestamp();
                }

                yield return [];
            }
        }
    }

    private async Task PingAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        try
        {
            await connection.PingAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRead(turn.Turn, exception);
        }
    }

    /// <summary>Takes what has arrived, up to a gap; a gap leaves the follower behind.</summary>
    private static List<StoredEntry> Drain(INatsSub<byte[]> live, ulong last, ref ulong upTo, ref bool behind)
    {
        var batch = new List<StoredEntry>();
        while (batch.Count < PageSize && live.Msgs.TryRead(out var message))
        {
            var sequence = Number(message, "Nats-Sequence");
            if (sequence <= last)
            {
                continue;
            }

            if (Number(message, "Nats-Last-Sequence") > last)
            {
                upTo = sequence;
                behind = true;
                break;
            }

            last = sequence;
            batch.Add(new StoredEntry(sequence, message.Subject, message.Data, message.Headers!, default));
        }

        return batch;
    }

    /// <summary>The next page of the log, or null when NATS does not answer.</summary>
    private async Task<List<StoredEntry>?> ReadLogAsync(TurnAddress turn, ulong last, ulong upTo, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), last + 1, upTo, cancellationToken)
                .Take(PageSize)
                .ToListAsync(cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRead(turn.Turn, exception);
            return null;
        }
    }

    /// <summary>False when nothing came within the time after which something is to be done.</summary>
    private async Task<bool> WaitAsync(INatsSub<byte[]> live, CancellationToken cancellationToken)
    {
        var (tail, heartbeat) = (options.Value.TailCheckInterval, options.Value.HeartbeatInterval);
        using var idle = new CancellationTokenSource(tail < heartbeat ? tail : heartbeat, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, idle.Token);
        try
        {
            return await live.Msgs.WaitToReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<(bool Behind, ulong UpTo)> CheckTailAsync(TurnAddress turn, ulong last, CancellationToken cancellationToken)
    {
        try
        {
            var tail = await reader.LastAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cancellationToken);
            return tail is not null && tail.Sequence > last ? (true, tail.Sequence) : (false, 0);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRead(turn.Turn, exception);
            return (false, 0);
        }
    }

    private static bool IsTerminal(StoredEntry entry) => TurnEventCodec.IsTerminal(entry.Header(TurnHeaders.Event) ?? "");

    private static ulong Number(NatsMsg<byte[]> message, string header) =>
        message.Headers is { } headers && headers.TryGetValue(header, out var value)
            && ulong.TryParse(value.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    [LoggerMessage(LogLevel.Debug, "The log of turn {Turn} could not be read; trying again.")]
    private partial void LogNotRead(TurnId turn, Exception exception);
}
