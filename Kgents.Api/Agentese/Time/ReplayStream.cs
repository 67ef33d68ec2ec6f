using Kgents.Api.Turns;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Agentese;

/// <summary>
/// A past turn as a stream, with the pauses that it had when it was written to its log, divided by a speed. The pauses are those between the times of the stream; each event is due by the
/// first one, so that being late once makes nothing after it late.
/// </summary>
internal sealed class ReplayStream(EndedTurn turn, int speed, JetStreamReader reader, TimeSpan heartbeat, TimeProvider time) : EventStream
{
    private const int PageSize = 256;
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    public override ulong? Start => 0;

    public override Task ExecuteAsync(HttpContext httpContext)
    {
        var address = turn.Address;
        httpContext.Response.Headers.ContentLocation = $"/v1/kgent/sessions/{address.Session}/turns/{address.Turn}/events";
        return base.ExecuteAsync(httpContext);
    }

    public override async Task FollowAsync(ViewerBody body, CancellationToken stopping, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stopping, cancellationToken);
        await ReplayAsync(body, end.Token);
    }

    private async Task ReplayAsync(ViewerBody body, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        DateTimeOffset? first = null;
        var cursor = 0UL;
        while (await ReadPageAsync(cursor, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var stored in page)
            {
                first ??= stored.Time;
                await WaitAsync((stored.Time - first.Value) / speed, began, body, cancellationToken);
                TurnSse.Write(body, stored);
                cursor = stored.Sequence;
                if (body.IsFull)
                {
                    await body.FlushAsync(cancellationToken);
                }
            }
        }

        await body.FlushAsync(cancellationToken);
    }

    /// <summary>A whole page before any of it is told: NATS does not wait for somebody who reads with pauses. Empty at the end, and where the session was deleted meanwhile.</summary>
    private async Task<List<StoredEntry>> ReadPageAsync(ulong cursor, CancellationToken cancellationToken)
    {
        var end = turn.State.LastEntry!.Sequence;
        while (cursor < end)
        {
            try
            {
                return await reader.ReadAsync(Streams.Tokens.Name, Subjects.Tokens(turn.Address), cursor + 1, end, cancellationToken, PageSize).Take(PageSize).ToListAsync(cancellationToken);
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }

        return [];
    }

    /// <summary>All that is due is sent before a pause, and a long one has its comments.</summary>
    private async Task WaitAsync(TimeSpan due, long began, ViewerBody body, CancellationToken cancellationToken)
    {
        while (due - time.GetElapsedTime(began) is { Ticks: > 0 } pause)
        {
            await body.FlushAsync(cancellationToken);

            // Up to a whole millisecond: of less than one a delay makes none, and this would go round until it is over.
            await Task.Delay(pause < heartbeat ? TimeSpan.FromMilliseconds(Math.Ceiling(pause.TotalMilliseconds)) : heartbeat, time, cancellationToken);
            if (pause > heartbeat)
            {
                TurnSse.WriteHeartbeat(body);
            }
        }
    }
}
