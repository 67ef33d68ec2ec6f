using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Turns;

/// <summary>Whether somebody asked to cancel a turn, read from the leader. The mark is stored before the worker is told, so it cannot be missed.</summary>
internal sealed class CancelMarks(JetStreamReader reader, TimeProvider time)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(200);
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Cancels);

    /// <summary>Asks until there is an answer: a turn must not go on, nor end, while this is unknown.</summary>
    public async Task<bool> IsSetAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await reader.LastAsync(Stream, Subjects.CancelMark(turn), cancellationToken) is { Data.Length: > 0 };
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }
}
