using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Streaming.Deletions;

/// <summary>
/// Carries out the order to delete a session, as far as that goes now. Each step may be repeated, by another worker too, so whoever dies in the
/// middle leaves nothing that the next look does not find.
/// </summary>
internal sealed partial class SessionDeleter(
    DeletedSessions deleted,
    DeletionOrders orders,
    SessionEraser eraser,
    SessionChain chain,
    TurnInterrupter interrupter,
    TurnCloser closer,
    JetStreamReader reader,
    FencedPublisher publisher,
    IOptions<DeletionOptions> options,
    IOptions<TurnOptions> turnOptions,
    TimeProvider time,
    ILogger<SessionDeleter> logger)
{
    public async Task CarryOutAsync(StoredOrder order, CancellationToken cancellationToken)
    {
        // An API may have died between the order and the mark. From here on no post is accepted any more: what was accepted is among the messages.
        await deleted.AddAsync(order.Tenant, order.Session, cancellationToken);
        if (order.Order.PurgedAt is null)
        {
            if (await EndTurnsAsync(order, cancellationToken))
            {
                await eraser.EraseAsync(order.Tenant, order.Session, cancellationToken);
                await orders.MarkPurgedAsync(order, time.GetUtcNow(), cancellationToken);
            }
        }
        else if (time.GetUtcNow() - order.Order.PurgedAt >= options.Value.PurgeAgainAfter)
        {
            // A purged subject accepts a first message: what was on its way when it was purged is there now.
            await eraser.EraseAsync(order.Tenant, order.Session, cancellationToken);
            await orders.RemoveAsync(order, cancellationToken);
            LogDeleted(order.Session);
        }
    }

    /// <summary>
    /// True when every turn of the session has ended, and who follows one had time to read that: what ends in one look is purged in the next. The mark
    /// cancels all turns; workers that have them are told, and have twice the ack wait to end them, so that what a model reports is counted. What
    /// they have not ended then is ended here.
    /// </summary>
    private async Task<bool> EndTurnsAsync(StoredOrder order, CancellationToken cancellationToken)
    {
        if (await chain.NextAsync(order.Tenant, order.Session, cancellationToken) is not { } next)
        {
            return await eraser.EndLogsAsync(order.Tenant, order.Session, cancellationToken) == 0;
        }

        await interrupter.InterruptBeforeAsync(order.Tenant, order.Session, next.Before, ulong.MaxValue, cancellationToken);
        if (time.GetUtcNow() - order.Order.RequestedAt >= 2 * turnOptions.Value.AckWait)
        {
            await CloseAllAsync(next, cancellationToken);
        }

        return false;
    }

    private async Task CloseAllAsync(QueuedTurn first, CancellationToken cancellationToken)
    {
        for (var turn = first; turn is not null; turn = await chain.NextAsync(first.Address.Tenant, first.Address.Session, cancellationToken))
        {
            var state = await TurnLogState.ReadAsync(reader, turn.Address, cancellationToken);
            await closer.CloseAsync(turn, state, new TurnLog(publisher, turn.Address, state.LastSequence), TurnEnd.Cancelled, cancellationToken);
        }
    }

    [LoggerMessage(LogLevel.Information, "Session {Session} is deleted.")]
    private partial void LogDeleted(SessionId session);
}
