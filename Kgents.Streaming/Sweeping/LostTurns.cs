using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Sessions;
using Kgents.Streaming.Sessions;
using Kgents.Streaming.Turns;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Sweeping;

/// <summary>Finds the place of a turn of which only the log is known, also when its message is gone, or is not to be delivered any more.</summary>
internal sealed class LostTurns(SessionChain chain, SessionAnswers answers, DeletedSessions deleted, JetStreamReader reader, INatsJSContext jetStream, TimeProvider time)
{
    private const int ConsumerNotFound = 10014;

    public async Task<TurnPlace> FindAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        if (await deleted.ContainsAsync(turn.Tenant, turn.Session, cancellationToken))
        {
            return new TurnPlace.Deleted();
        }

        var end = await chain.EndAsync(turn.Tenant, turn.Session, cancellationToken);
        var next = await chain.NextAsync(turn.Tenant, turn.Session, end, cancellationToken);
        if (next?.Address == turn)
        {
            return new TurnPlace.Open(next, IsQueued: !await IsAcknowledgedAsync(next.UserSequence, cancellationToken));
        }

        if (await IsAnsweredAsync(turn, end, cancellationToken))
        {
            return new TurnPlace.Answered();
        }

        return next is not null && await WaitsAsync(turn, next, cancellationToken)
            ? new TurnPlace.Waiting()
            : new TurnPlace.Open(WithoutMessage(turn, end), IsQueued: false);
    }

    /// <summary>
    /// An answer whose message is gone takes no number in the chain: it has those of the answer before it. A message that is posted just now has
    /// the next one, and must not be taken for answered.
    /// </summary>
    private QueuedTurn WithoutMessage(TurnAddress turn, ChainEnd end) =>
        new(turn, new UserMessage(turn.Turn, end.N, "", DialogueModes.Reflect, time.GetUtcNow()), end.UserSequence, end);

    private async Task<bool> IsAnsweredAsync(TurnAddress turn, ChainEnd end, CancellationToken cancellationToken) =>
        end.Answer?.Turn == turn.Turn
        || end.Answer is not null
        && await answers.ReadAsync(turn.Tenant, turn.Session, end.Sequence, cancellationToken).AnyAsync(stored => stored.Answer.Turn == turn.Turn, cancellationToken);

    private async Task<bool> WaitsAsync(TurnAddress turn, QueuedTurn next, CancellationToken cancellationToken)
    {
        var subject = Subjects.UserMessages(turn.Tenant, turn.Session);
        return await reader.LastAsync(Streams.Messages.Name, subject, cancellationToken) is { } last
            && await reader.ReadAsync(Streams.Messages.Name, subject, next.UserSequence + 1, last.Sequence, cancellationToken)
                .AnyAsync(entry => UserMessages.Read(entry, n: 0).Turn == turn.Turn, cancellationToken);
    }

    /// <summary>True when the queue holds the message for done, without an answer: it never comes again. A queue that is missing brings all of them once it is there.</summary>
    private async Task<bool> IsAcknowledgedAsync(ulong sequence, CancellationToken cancellationToken)
    {
        try
        {
            return sequence <= (await jetStream.GetConsumerAsync(Streams.Messages.Name, TurnQueue.ConsumerName, cancellationToken)).Info.AckFloor.StreamSeq;
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == ConsumerNotFound)
        {
            return false;
        }
    }
}
