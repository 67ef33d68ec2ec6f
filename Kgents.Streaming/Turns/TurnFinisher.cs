using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Governance;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Usage;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Does what a commit promised: usage, then the audit record of a decision, then the answer, then its place in the quota, then the terminal event, so that a client which sees the end finds the usage recorded
/// and the answer stored. Each step may be repeated; a worker that dies between two leaves the message in the queue, and another comes here.
/// </summary>
internal sealed class TurnFinisher(UsagePublisher usage, AuditLog audit, SessionChain chain, TenantQuota quota, DeletedSessions deleted, DeletionOrders deletions)
{
    public async Task FinishAsync(QueuedTurn turn, TurnCommitted commit, string text, TurnLog log, bool isEnded, CancellationToken cancellationToken)
    {
        await usage.PublishAsync(turn.Address, commit.UsageEvents, cancellationToken);
        if (commit.Status == TurnStatus.Cancelled && await deleted.ContainsAsync(turn.Address.Tenant, turn.Address.Session, cancellationToken))
        {
            // All of the session may have been purged before this turn began its log, by a worker that slept: then the rest is to be purged too.
            await deletions.PlaceAsync(turn.Address.Tenant, turn.Address.Session, cancellationToken);
        }

        await audit.KeepAsync(turn.Address, commit, cancellationToken);
        await chain.AppendAsync(turn.Address.Tenant, turn.Address.Session, turn.Before, Answer(turn, commit, text), cancellationToken);
        if (turn.Message.TokenQuota is not null)
        {
            await quota.SettleAsync(turn.Address, commit.Tokens.Total, commit.CommittedAt, cancellationToken);
        }

        if (!isEnded)
        {
            await log.AppendTerminalAsync(Terminal(commit, text), cancellationToken);
        }
    }

    public static TurnEvent Terminal(TurnCommitted commit, string text) => commit.Status switch
    {
        TurnStatus.Completed => new TurnCompleted(text, commit.Tokens, commit.Chunks, commit.MessageId, commit.Model) { FinishReason = commit.FinishReason },
        TurnStatus.Failed => new TurnFailed(commit.ErrorCode!, TurnErrorTexts.Of(commit.ErrorCode!)),
        TurnStatus.Cancelled => new TurnCancelled(commit.MessageId, commit.Tokens),
        _ => throw new InvalidOperationException($"{commit.Status} is not an end of a turn."),
    };

    /// <summary>The end of a turn of which nothing else is left than its answer.</summary>
    public static TurnEvent Terminal(AssistantMessage answer, int chunks) => answer.Status switch
    {
        TurnStatus.Completed => new TurnCompleted(answer.Text, answer.Tokens, chunks, answer.Turn.AssistantMessageId, answer.Model) { FinishReason = answer.FinishReason },
        TurnStatus.Failed => new TurnFailed(answer.ErrorCode!, TurnErrorTexts.Of(answer.ErrorCode!)),
        TurnStatus.Cancelled => new TurnCancelled(answer.Turn.AssistantMessageId, answer.Tokens),
        _ => throw new InvalidOperationException($"{answer.Status} is not an end of a turn."),
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
        turn.Before.Totals.Add(commit.Tokens, messages: text.Length > 0 ? 2 : 1))
    {
        FinishReason = commit.FinishReason,
    };
}
