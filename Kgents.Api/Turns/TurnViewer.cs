using System.Buffers;
using Kgents.Api.Telemetry;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>One client of a turn or of a session: a cursor that moves through the feed, or, where the feed does not go back so far, through the log.</summary>
internal sealed class TurnViewer(TurnFeed feed, ulong after, JetStreamReader reader, ApiMetrics metrics, TimeProvider time)
{
    private const int PageSize = 256;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private ulong cursor = after;
    private long? position;

    /// <summary>Of the last event that was sent: the client is told whenever the turn changes.</summary>
    private string? subject;

    /// <summary>Sends what there is and what comes, all that is ready in one flush or in large pieces, until the terminal event of a turn; true when that was sent.</summary>
    public async Task<bool> RunAsync(ViewerBody body, TimeSpan heartbeat, CancellationToken stopping, CancellationToken cancellationToken)
    {
        var news = new WakeUp();
        using var watching = feed.Watch(news);
        using var leaving = cancellationToken.UnsafeRegister(static waiting => ((WakeUp)waiting!).Call(), news);
        var opened = time.GetTimestamp();
        var lastWrite = opened;
        var hasWritten = false;
        while (true)
        {
            stopping.ThrowIfCancellationRequested();

            // Before looking: a feed that is over has nothing more.
            var isOver = feed.IsOver;
            var upTo = 0UL;
            position ??= feed.Find(cursor, out upTo);
            var last = ReadOnlyMemory<byte>.Empty;
            var (wrote, ended) = position is null ? await WriteLogAsync(body, upTo, stopping, cancellationToken) : WriteFeed(body, out last);
            if (wrote)
            {
                await body.FlushAsync(last, cancellationToken);
                lastWrite = time.GetTimestamp();
                if (!hasWritten)
                {
                    hasWritten = true;
                    metrics.FirstEvent(time.GetElapsedTime(opened, lastWrite), feed.Followed.Kind);
                }
            }

            if (ended)
            {
                return true;
            }

            if (wrote || position is null)
            {
                continue;
            }

            if (isOver)
            {
                await feed.Completion;
                return false;
            }

            if (time.GetElapsedTime(lastWrite) >= heartbeat)
            {
                TurnSse.WriteHeartbeat(body);
                await body.FlushAsync(cancellationToken);
                lastWrite = time.GetTimestamp();
            }

            await news.WaitAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <param name="last">What was not written yet: the last event, which goes out with the flush.</param>
    private (bool Wrote, bool Ended) WriteFeed(ViewerBody body, out ReadOnlyMemory<byte> last)
    {
        last = default;
        var wrote = false;
        while (position is { } at && !body.IsFull)
        {
            if (!feed.TryRead(at, out var frame, out var gone))
            {
                // Gone while this viewer was busy: it finds the way back by the log.
                position = gone ? null : position;
                break;
            }

            position = at + 1;
            if (frame.Sequence > cursor)
            {
                if (!last.IsEmpty)
                {
                    body.Write(last.Span);
                }

                WriteTurn(body, frame.Subject, isSeen: frame.Bytes.Length > 0);
                last = frame.Bytes;
                cursor = frame.Sequence;
                wrote = true;
            }

            if (frame.IsTerminal && !feed.Followed.IsOfSession)
            {
                return (wrote, true);
            }
        }

        return (wrote, false);
    }

    /// <summary>One page of the log, up to where the feed begins. When nothing is left of it there, the viewer goes on with the feed.</summary>
    private async Task<(bool Wrote, bool Ended)> WriteLogAsync(ViewerBody body, ulong upTo, CancellationToken stopping, CancellationToken cancellationToken)
    {
        // Few are here at a time, and nothing else would wake them: while NATS is away a read may wait for as long.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        var before = cursor;
        try
        {
            await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, feed.Followed.Subject, cursor + 1, upTo, end.Token).Take(PageSize))
            {
                TurnEntry read = entry;
                WriteTurn(body, read.Subject, TurnSse.IsSeen(read.Kind));
                TurnSse.Write(body, read);
                cursor = read.Sequence;
                if (read.IsTerminal && !feed.Followed.IsOfSession)
                {
                    return (true, true);
                }

                if (body.IsFull)
                {
                    await body.FlushAsync(end.Token);
                }
            }

            cursor = cursor == before ? Math.Max(cursor, upTo) : cursor;
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, end.Token))
        {
            await Task.Delay(RetryDelay, time, end.Token);
        }

        return (cursor > before, false);
    }

    /// <summary>On a stream of many turns, says whose the next event is.</summary>
    private void WriteTurn(ViewerBody body, string of, bool isSeen)
    {
        if (feed.Followed.IsOfSession && isSeen && of != subject)
        {
            subject = of;
            TurnSse.WriteTurn(body, Subjects.TurnOf(subject));
        }
    }
}
