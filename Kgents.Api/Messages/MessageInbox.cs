using Kgents.Api.Idempotency;
using Kgents.Api.Sessions;
using Kgents.Api.Telemetry;
using Kgents.Api.Turns;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Messages;

/// <summary>Takes a message in: stores it once, if its session is still there then, and cancels the turns before it if that is what it is for.</summary>
internal sealed class MessageInbox(
    Conversation conversation, IdempotentAcceptance idempotent, SessionDeletion deletion, TurnCanceller canceller, ApiMetrics metrics, IOptions<MessageOptions> options, IHostApplicationLifetime lifetime)
{
    public async Task<Acceptance> AcceptAsync(NewMessage message, IdempotencyKey? key, CancellationToken cancellationToken)
    {
        // Not ended by a client that leaves: what has a place in a quota, and perhaps is stored, is brought to its end.
        cancellationToken.ThrowIfCancellationRequested();
        using var accepting = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        accepting.CancelAfter(options.Value.AcceptTimeout);
        var acceptance = key is null
            ? await conversation.AcceptAsync(message, accepting.Token)
            : await idempotent.AcceptAsync(new KeyedMessage(key, message), accepting.Token);
        if (acceptance is Acceptance.Stored && await deletion.HasOvertakenAsync(message.Tenant, message.Session, accepting.Token))
        {
            acceptance = new Acceptance.SessionGone();
        }

        metrics.Posted(acceptance);
        if (acceptance is Acceptance.Stored stored && message.WhenBusy == BusyPolicy.Interrupt)
        {
            await InterruptAsync(stored);
        }

        return acceptance;
    }

    /// <summary>
    /// What is stored is not to be lost, so this does not end when the client leaves. When the process dies here, the worker that gets the message
    /// does the same. The latest turn first, so that none begins because the one before it is cancelled.
    /// </summary>
    private async Task InterruptAsync(Acceptance.Stored stored)
    {
        using var interrupting = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping);
        interrupting.CancelAfter(options.Value.AcceptTimeout);
        foreach (var earlier in await conversation.UnfinishedBeforeAsync(stored.Turn.Tenant, stored.Turn.Session, stored.Sequence, interrupting.Token))
        {
            await canceller.CancelAsync(earlier, interrupting.Token);
        }
    }
}
