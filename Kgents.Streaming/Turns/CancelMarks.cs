using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Whether a turn is to be cancelled, read from the leader. The mark is stored before the worker is told, so it cannot be missed. That its session is
/// deleted is a mark on each of a session's turns, also on one that comes later.
/// </summary>
internal sealed class CancelMarks(JetStreamReader reader, FencedPublisher publisher, DeletedSessions deleted, TimeProvider time)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Cancels);

    /// <summary>May be set again. When it returns, no worker can miss it any more.</summary>
    public Task SetAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        publisher.AppendAsync(Stream, Subjects.CancelMark(turn), "{}"u8.ToArray(), [], expectedLast: 0, _ => true, cancellationToken);

    /// <summary>Asks until there is an answer: a turn must not go on, nor end, while this is unknown.</summary>
    public async Task<bool> IsSetAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var marks = await Task.WhenAll(IsMarkedAsync(turn, cancellationToken), deleted.ContainsAsync(turn.Tenant, turn.Session, cancellationToken));
                return marks.Contains(true);
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }

    private async Task<bool> IsMarkedAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await reader.LastAsync(Stream, Subjects.CancelMark(turn), cancellationToken) is { Data.Length: > 0 };
}
