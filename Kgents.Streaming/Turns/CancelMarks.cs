using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Streaming.Turns;

/// <summary>Whether a turn is to be cancelled, read from the leader. The mark is stored before the worker is told, so it cannot be missed.</summary>
internal sealed class CancelMarks(JetStreamReader reader, FencedPublisher publisher, TimeProvider time)
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
                return await reader.LastAsync(Stream, Subjects.CancelMark(turn), cancellationToken) is { Data.Length: > 0 };
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
            {
                await Task.Delay(RetryDelay, time, cancellationToken);
            }
        }
    }
}
