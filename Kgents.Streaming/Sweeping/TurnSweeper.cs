using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Sweeping;

/// <summary>
/// Finishes turns that nobody else will: committed and not finished, or begun and not committed, with a message that is gone or that the queue holds for
/// done. It does what a worker does that takes a turn over, so it may be repeated, beside others and beside a worker that lives: the fences decide.
/// </summary>
internal sealed partial class TurnSweeper(
    TurnLogEnds ends,
    LostTurns lost,
    TurnCloser closer,
    TurnControl control,
    DeletionOrders orders,
    JetStreamReader reader,
    FencedPublisher publisher,
    IOptions<SweepOptions> options,
    TimeProvider time,
    ILogger<TurnSweeper> logger)
{
    /// <summary>One look at the ends of all logs.</summary>
    public async Task SweepOnceAsync(CancellationToken cancellationToken)
    {
        var silentSince = time.GetUtcNow() - options.Value.Age;
        await foreach (var end in ends.ReadAsync(cancellationToken))
        {
            if (!TurnEventCodec.IsTerminal(end.Kind) && end.Time <= silentSince && Subjects.TryParseTokens(end.Subject, out var turn))
            {
                await TryFinishAsync(turn, cancellationToken);
            }
        }
    }

    /// <summary>A turn that fails keeps no other from being finished; the next sweep finds it again.</summary>
    private async Task TryFinishAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        try
        {
            await FinishAsync(turn, cancellationToken);
        }
        catch (FenceLostException exception)
        {
            LogBusy(turn.Turn, exception.Message);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogFailed(turn.Turn, exception);
        }
    }

    private async Task FinishAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        // Before the log: what is found unfinished here, and finished by another meanwhile, loses a fence.
        var place = await lost.FindAsync(turn, cancellationToken);
        var state = await TurnLogState.ReadAsync(reader, turn, cancellationToken);
        if (state.IsEmpty || state.HasTerminal)
        {
            return;
        }

        switch (place)
        {
            case TurnPlace.Deleted:
                await orders.PlaceAsync(turn.Tenant, turn.Session, cancellationToken);
                return;
            case TurnPlace.Answered:
                await closer.EndLogAsync(turn, errorCode: null, cancellationToken);
                break;
            case TurnPlace.Open { Turn: var queued, IsQueued: var isQueued } when state.Commit is not null || !isQueued && !await control.IsRunningAsync(turn, cancellationToken):
                await closer.CloseAsync(queued, state, new TurnLog(publisher, turn, state.LastSequence), TurnEnd.Failed(TurnErrorCodes.Interrupted), cancellationToken);
                break;
            default:
                // The queue brings it to a worker.
                return;
        }

        LogFinished(turn.Turn);
    }

    [LoggerMessage(LogLevel.Warning, "Turn {Turn} was left unfinished, and is finished now.")]
    private partial void LogFinished(TurnId turn);

    [LoggerMessage(LogLevel.Information, "Turn {Turn} is being finished by another: {Reason}")]
    private partial void LogBusy(TurnId turn, string reason);

    [LoggerMessage(LogLevel.Error, "Turn {Turn} was left unfinished, and could not be finished; the next sweep tries again.")]
    private partial void LogFailed(TurnId turn, Exception exception);
}
