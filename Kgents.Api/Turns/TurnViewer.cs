using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Turns;

/// <summary>One client of a turn: a cursor that moves through the feed, or, where the feed does not go back so far, through the log.</summary>
internal sealed class TurnViewer(TurnAddress turn, ulong after, TurnFeed feed, JetStreamReader reader, TimeProvider time)
{
    private const int PageSize = 256;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    private ulong cursor = after;
    private long? position;

    /// <summary>Sends what there is and what comes, all that is ready in one flush, until the terminal event; true when that was sent.</summary>
    public async Task<bool> RunAsync(ViewerBody body, TimeSpan heartbeat, CancellationToken cancellationToken)
    {
        var lastWrite = time.GetTimestamp();
        while (true)
        {
            // Both before looking: what comes while it looks, the pulse tells, and a feed that is over has nothing more.
            var (pulse, isOver) = (feed.Pulse, feed.IsOver);
            var upTo = 0UL;
            position ??= feed.Find(cursor, out upTo);
            var (wrote, ended) = position is null ? await WriteLogAsync(body, upTo, cancellationToken) : WriteFeed(body);
            if (wrote)
            {
                await body.FlushAsync(cancellationToken);
                lastWrite = time.GetTimestamp();
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
                TurnSse.WriteHeartbeat(body.Output);
                await body.FlushAsync(cancellationToken);
                lastWrite = time.GetTimestamp();
            }

            await pulse.WaitAsync(cancellationToken);
        }
    }

    private (bool Wrote, bool Ended) WriteFeed(ViewerBody body)
    {
        var wrote = false;
        while (position is { } at && feed.TryRead(at, out var frame))
        {
            if (frame is null || frame.Previous > cursor)
            {
                // It left the ring while this viewer was busy: find the way back by the log.
                position = null;
                break;
            }

            position = at + 1;
            if (frame.Sequence > cursor)
            {
                Write(body, frame);
                wrote = true;
            }

            if (frame.IsTerminal)
            {
                return (wrote, true);
            }
        }

        return (wrote, false);
    }

    /// <summary>One page of the log, up to where the feed begins. When nothing is left of it there, the viewer goes on with the feed.</summary>
    private async Task<(bool Wrote, bool Ended)> WriteLogAsync(ViewerBody body, ulong upTo, CancellationToken cancellationToken)
    {
        var before = cursor;
        try
        {
            await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn), cursor + 1, upTo, cancellationToken).Take(PageSize))
            {
                var frame = TurnFrame.Encode(0, cursor, entry);
                Write(body, frame);
                if (frame.IsTerminal)
                {
                    return (true, true);
                }
            }

            cursor = cursor == before ? Math.Max(cursor, upTo) : cursor;
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            await Task.Delay(RetryDelay, time, cancellationToken);
        }

        return (cursor > before, false);
    }

    private void Write(ViewerBody body, TurnFrame frame)
    {
        body.Write(frame.Bytes.Span);
        cursor = frame.Sequence;
    }
}
