using Kgents.Contracts;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Usage;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Does what a commit promised: usage, then the answer, then the terminal event, so that a client which sees the end finds the usage recorded
/// and the answer stored. Each step may be repeated; a worker that dies between two leaves the message in the queue, and another comes here.
/// </summary>
internal sealed class TurnFinisher(UsagePublisher usage, SessionChain chain)
{
    public async Task FinishAsync(QueuedTurn turn, TurnCommitted commit, string text, TurnLog log, bool isEnded, CancellationToken cancellationToken)
    {
        await usage.PublishAsync(turn.Address, commit.UsageEvents, cancellationToken);
        await chain.AppendAsync(turn.Address.Tenant, turn.Address.Session, turn.Before, Answer(turn, commit, text), cancellationToken);
        if (!isEnded)
        {
            await log.AppendTerminalAsync(Terminal(commit, text), cancellationToken);
        }
    }

    public static TurnEvent Terminal(TurnCommitted commit, string text) => commit.Status switch
    {
        TurnStatus.Completed => new TurnCompleted(text, commit.Tokens, commit.Chunks, commit.MessageId, commit.Model),
        TurnStatus.Failed => new TurnFailed(commit.ErrorCode!, TurnErrorTexts.Of(commit.ErrorCode!)),
        TurnStatus.Cancelled => new TurnCancelled(commit.MessageId, commit.Tokens),
        _ => throw new InvalidOperationException($"{commit.Status} is not an end of a turn."),
    };

    private static AssistantMessage Answer(QueuedTurn turn, TurnCommitted commit, string text) => new(
        turn.Message.Turn,
        turn.Message.N,
        turn.UserSequence,
        commit.Status,
        text,
        commit.Model,
        commit.Tokens,
        commit.ErrorCode,
        commit.CommittedAt,
        turn.Before.Totals.Add(commit.Tokens, messages: text.Length > 0 ? 2 : 1));
}
