using System.Runtime.CompilerServices;
using Kgents.Api.Sessions;
using Kgents.Api.Telemetry;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>
/// Follows a turn's log from a sequence to its terminal event: what is stored already by direct get, what comes by the server's republishing,
/// which it does only after storing. Each entry once, in order, with no hole: a live message names the one before it, and the log fills a gap.
/// It follows a session's logs in the same way, but without end, and from live messages it only learns that there is something to read.
/// When the session is deleted, both end where they are.
/// </summary>
internal sealed partial class TurnFollower(
    INatsConnection connection, JetStreamReader reader, TailReader tails, SessionStore sessions, IdleClock clock, ApiMetrics metrics, IOptions<TurnStreamOptions> options, TimeProvider time, ILogger<TurnFollower> logger)
{
    private const int PageSize = 256;

    /// <summary>Small, so that a client that comes back sees something soon.</summary>
    private const int FirstPageSize = 16;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>All entries that are ready, together; what is given is good until the next is asked for. An empty batch means that nothing came for a while.</summary>
    public async IAsyncEnumerable<IReadOnlyList<TurnEntry>> FollowAsync(FollowedLog followed, ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var live = Listen(followed);
        using var waking = cancellationToken.UnsafeRegister(static waiting => ((LiveEvents)waiting!).Wake(), live);
        await foreach (var batch in FollowAsync(live, after, cancellationToken))
        {
            yield return batch;
        }
    }

    /// <summary>For who wakes it when it is to end, as one of thousands that need no registration for that.</summary>
    public LiveEvents Listen(FollowedLog followed) => new(connection, followed, time);

    /// <param name="live">Ends with this. To be woken when <paramref name="cancellationToken"/> is cancelled.</param>
    public async IAsyncEnumerable<IReadOnlyList<TurnEntry>> FollowAsync(LiveEvents live, ulong after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // First listen, then read: what is stored between the two comes both ways, and the sequence tells it. The server takes both from one
        // connection, in this order; what the subscription misses nevertheless, the next message or the look at the tail finds.
        await using var listening = live;
        await connection.AddSubAsync(live, cancellationToken);
        using var waking = clock.Wake(live);

        var followed = live.Followed;
        var batch = new List<TurnEntry>();
        var last = after;
        var upTo = 0UL;
        var page = FirstPageSize;
        var behind = true;
        var isEmpty = false;
        var pace = new TailPace(options.Value.TailCheckInterval, time);
        while (true)
        {
            batch.Clear();
            if (behind)
            {
                if (!await TryReadLogAsync(followed, last, upTo, page, batch, cancellationToken))
                {
                    // NATS does not answer: stay behind, and try again shortly.
                    await Task.Delay(RetryDelay, time, cancellationToken);
                    yield return [];
                    continue;
                }

                // An empty page is the end, also when an entry that was there is not there any more.
                behind = batch.Count == page || (batch.Count > 0 && batch[^1].Sequence < upTo);
                page = PageSize;
            }
            else
            {
                Drain(live, followed, last, batch, ref upTo, ref behind);
                if (behind && !followed.IsOfSession)
                {
                    metrics.GapRepaired("live");
                }
            }

            if (batch.Count > 0)
            {
                last = batch[^1].Sequence;
                pace.Came();
                var hasEnded = !followed.IsOfSession && batch[^1].IsTerminal;
                yield return batch;
                if (hasEnded)
                {
                    yield break;
                }
            }
            else if (!behind)
            {
                await live.WaitAsync();
                cancellationToken.ThrowIfCancellationRequested();
                var isReconnected = live.TakeReconnected();
                if (live.TakeIdle() || isReconnected)
                {
                    if (isReconnected || pace.IsDue)
                    {
                        // Of a log that has not begun, every second look is at the session, which may be deleted before its turn begins.
                        var isAtSession = isEmpty && last == 0 && !isReconnected;
                        var tail = await (isAtSession
                            ? tails.LastAsync(SessionStore.Stream, Subjects.SessionRecord(followed.Tenant, followed.Session))
                            : tails.LastAsync(Streams.Tokens.Name, followed.Subject));
                        if ((isAtSession ? tail is { HasData: false } : tail is { Sequence: 0 } && last > 0) && await IsErasedAsync(followed, cancellationToken))
                        {
                            // What came while it looked is all that there is.
                            Drain(live, followed, last, batch, ref upTo, ref behind);
                            yield return batch;
                            yield break;
                        }

                        if (!isAtSession && tail?.Sequence > last)
                        {
                            (behind, upTo) = (true, tail.Value.Sequence);
                            metrics.GapRepaired("tail");
                        }

                        var isSure = tail is not null && !isReconnected;
                        isEmpty = isSure && !isAtSession && tail is { Sequence: 0 };
                        pace.Looked(isSure);
                    }

                    yield return [];
                }
            }
        }
    }

    /// <summary>Takes what has arrived, up to a gap; a gap leaves the follower behind.</summary>
    private static void Drain(LiveEvents live, FollowedLog followed, ulong last, List<TurnEntry> batch, ref ulong upTo, ref bool behind)
    {
        if (live.Take() is not { } arrived)
        {
            return;
        }

        behind |= arrived.HasDropped;
        while (arrived.TryUse(out var entry, out var previous))
        {
            if (entry.Sequence <= last)
            {
                continue;
            }

            if (followed.IsOfSession)
            {
                // The message names the one before it of its own turn only: whether another turn wrote something in between, the log alone tells.
                upTo = entry.Sequence;
                behind = true;
                continue;
            }

            if (previous > last)
            {
                upTo = entry.Sequence;
                behind = true;
                break;
            }

            last = entry.Sequence;
            batch.Add(entry);
        }
    }

    /// <summary>The next page of the log; false when NATS does not answer.</summary>
    private async Task<bool> TryReadLogAsync(FollowedLog followed, ulong last, ulong upTo, int page, List<TurnEntry> batch, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, followed.Subject, last + 1, upTo, cancellationToken, page).Take(page))
            {
                batch.Add(entry);
            }

            return true;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRead(followed, exception);
            batch.Clear();
            return false;
        }
    }

    /// <summary>True when the session is deleted and nothing is left of what is followed. Almost always the session has its record, and nothing more is asked.</summary>
    private async Task<bool> IsErasedAsync(FollowedLog followed, CancellationToken cancellationToken)
    {
        try
        {
            return await tails.LastAsync(SessionStore.Stream, Subjects.SessionRecord(followed.Tenant, followed.Session)) is { HasData: false }
                && await tails.LastAsync(Streams.Tokens.Name, followed.Subject) is { Sequence: 0 }
                && await sessions.IsErasedAsync(followed.Tenant, followed.Session, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRead(followed, exception);
            return false;
        }
    }

    [LoggerMessage(LogLevel.Debug, "The log of {Followed} could not be read; trying again.")]
    private partial void LogNotRead(FollowedLog followed, Exception exception);
}
