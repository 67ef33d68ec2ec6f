using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Sessions;

namespace Kgents.Streaming.Turns;

/// <summary>
/// Cancels the turns before a message that interrupts them. Who accepted the message does the same at once; this is for when it died in between,
/// since the stored message is the order. A session that is deleted interrupts all its turns.
/// </summary>
internal sealed class TurnInterrupter(JetStreamReader reader, CancelMarks marks, TurnControl control)
{
    public async Task InterruptBeforeAsync(TenantId tenant, SessionId session, ChainEnd end, ulong sequence, CancellationToken cancellationToken)
    {
        var earlier = await reader.ReadAsync(Streams.Messages.Name, Subjects.UserMessages(tenant, session), end.UserSequence + 1, sequence, cancellationToken)
            .TakeWhile(entry => entry.Sequence < sequence)
            .Select(entry => UserMessages.TryRead(entry.Data.Span))
            .Reverse()
            .ToListAsync(cancellationToken);
        foreach (var message in earlier.OfType<UserMessage>())
        {
            var turn = new TurnAddress(tenant, session, message.Turn);
            if (!await marks.IsSetAsync(turn, cancellationToken))
            {
                await marks.SetAsync(turn, cancellationToken);
            }

            // Also when the mark was there: who set it may have died before it told.
            await control.CancelAsync(turn, cancellationToken);
        }
    }
}
