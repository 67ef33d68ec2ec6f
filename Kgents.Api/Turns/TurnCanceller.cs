using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using NATS.Client.Core;

namespace Kgents.Api.Turns;

/// <summary>
/// Cancels a turn: first the mark is stored, then its worker is told, if there is one. A worker that begins later finds the mark; one that does
/// not hear finds it before it commits.
/// </summary>
internal sealed partial class TurnCanceller(INatsConnection connection, FencedPublisher publisher, ILogger<TurnCanceller> logger)
{
    private static readonly TimeSpan TellTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Cancels);

    /// <summary>May be called again at any time. When it returns the cancel cannot be lost any more.</summary>
    public async Task CancelAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        await publisher.AppendAsync(Stream, Subjects.CancelMark(turn), "{}"u8.ToArray(), [], expectedLast: 0, _ => true, cancellationToken);
        try
        {
            await connection.RequestAsync(
                Subjects.Control(turn),
                TurnControlMessages.Cancel.ToArray(),
                requestSerializer: NatsRawSerializer<byte[]>.Default,
                replySerializer: NatsRawSerializer<byte[]>.Default,
                replyOpts: new NatsSubOpts { Timeout = TellTimeout },
                cancellationToken: cancellationToken);
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            LogNotHeard(turn.Turn, exception.GetType().Name);
        }
    }

    [LoggerMessage(LogLevel.Debug, "No worker heard that turn {Turn} is cancelled ({Reason}); its mark tells the next.")]
    private partial void LogNotHeard(TurnId turn, string reason);
}
