using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Sessions;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Ends a turn without running it: as its log promises, or, when nothing is promised, as the caller says. May be repeated, and by several at once:
/// the fences of the log and of the session let one end through, and all make the same of it.
/// </summary>
internal sealed partial class TurnCloser(
    TurnRunner runner, TurnFinisher finisher, SessionAnswers answers, TenantQuota quota, DeadLetters deadLetters, JetStreamReader reader, FencedPublisher publisher, ILogger<TurnCloser> logger)
{
    /// <param name="state">What the log says up to where <paramref name="log"/> goes on.</param>
    /// <exception cref="FenceLostException">Somebody else is at work on the turn.</exception>
    public async Task<TurnCommitted> CloseAsync(QueuedTurn turn, TurnLogState state, TurnLog log, TurnEnd end, CancellationToken cancellationToken)
    {
        if (state.Unreadable is { } entry)
        {
            await deadLetters.KeepAsync(turn.Address.Tenant, entry, cancellationToken);
        }

        if (state.Commit is { } committed && TurnRunner.HashOf(state.Text) != committed.TextHash)
        {
            LogTextDiffers(turn.Address.Turn);
        }

        var commit = state.Commit ?? await runner.GiveUpAsync(turn, state, end, log, cancellationToken);
        await finisher.FinishAsync(turn, commit, state.Text, log, state.HasTerminal, cancellationToken);
        return commit;
    }

    /// <summary>
    /// Does what is left to do for a turn that has its answer: its place in the quota, and the terminal event, if the log lacks it: what was committed, or the error of one that cannot be, or what
    /// was answered, where the log was restored from before its commit.
    /// </summary>
    /// <param name="errorCode">How a turn ends whose log says nothing of an end; null when it then ended so long ago that the log is gone.</param>
    public async Task EndLogAsync(TurnAddress turn, string? errorCode, CancellationToken cancellationToken)
    {
        var state = await TurnLogState.ReadAsync(reader, turn, cancellationToken);
        errorCode = state.Unreadable is not null ? TurnErrorCodes.UnreadableLog : errorCode;
        var end = state.Commit is { } commit ? TurnFinisher.Terminal(commit, state.Text)
            : errorCode is not null ? new TurnFailed(errorCode, TurnErrorTexts.Of(errorCode))
            : !state.IsEmpty && !state.HasTerminal && await answers.FindAsync(turn, cancellationToken) is { } answer ? TurnFinisher.Terminal(answer, state.Chunks)
            : null;
        if (state.Commit is { } decided)
        {
            await quota.SettleAsync(turn, decided.Tokens.Total, decided.CommittedAt, cancellationToken);
        }

        if (end is not null && !state.HasTerminal)
        {
            await new TurnLog(publisher, turn, state.LastSequence).AppendTerminalAsync(end, cancellationToken);
        }
    }

    [LoggerMessage(LogLevel.Error, "The log of turn {Turn} no longer has the text that was committed.")]
    private partial void LogTextDiffers(TurnId turn);
}
