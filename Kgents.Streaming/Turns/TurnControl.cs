using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;

namespace Kgents.Streaming.Turns;

/// <summary>
/// How the worker of a turn is spoken to: it says that it lives, and hears that its turn is cancelled. A delivery that comes again does not mean that it died: when the consumer's leader dies, every held
/// turn is delivered again while its worker is at work.
/// </summary>
internal sealed class TurnControl(INatsConnection connection, IOptions<TurnOptions> options)
{
    /// <summary>Answers for this turn until disposed. When it returns, the server knows the subscription.</summary>
    public async Task<Answering> AnswerAsync(TurnAddress turn, CancellationToken cancellationToken)
    {
        var subscription = await connection.SubscribeCoreAsync(Subjects.Control(turn), serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: cancellationToken);
        var answering = new Answering(subscription);
        try
        {
            await connection.PingAsync(cancellationToken);
            return answering;
        }
        catch
        {
            await answering.DisposeAsync();
            throw;
        }
    }

    /// <summary>True when a worker answers; asked twice, since one answer may be lost. A worker that hangs counts as dead: the fence holds it off.</summary>
    public async Task<bool> IsRunningAsync(TurnAddress turn, CancellationToken cancellationToken) =>
        await AskAsync(turn, [], cancellationToken) ?? await AskAsync(turn, [], cancellationToken) ?? false;

    /// <summary>Tells the worker of a turn, if there is one, that its mark is set.</summary>
    public Task CancelAsync(TurnAddress turn, CancellationToken cancellationToken) => AskAsync(turn, TurnControlMessages.Cancel.ToArray(), cancellationToken);

    /// <summary>Whether a worker has the turn; null when there is one that does not answer.</summary>
    private async Task<bool?> AskAsync(TurnAddress turn, byte[] question, CancellationToken cancellationToken)
    {
        try
        {
            await connection.RequestAsync(
                Subjects.Control(turn),
                question,
                requestSerializer: NatsRawSerializer<byte[]>.Default,
                replySerializer: NatsRawSerializer<byte[]>.Default,
                replyOpts: new NatsSubOpts { Timeout = options.Value.ControlTimeout },
                cancellationToken: cancellationToken);
            return true;
        }
        catch (NatsNoRespondersException)
        {
            return false;
        }
        catch (NatsNoReplyException)
        {
            return null;
        }
    }

    private static async Task ReplyAsync(INatsSub<byte[]> subscription, CancellationTokenSource cancelled)
    {
        await foreach (var request in subscription.Msgs.ReadAllAsync())
        {
            if (request.Data.AsSpan().SequenceEqual(TurnControlMessages.Cancel))
            {
                await cancelled.CancelAsync();
            }

            try
            {
                await request.ReplyAsync(Array.Empty<byte>(), serializer: NatsRawSerializer<byte[]>.Default);
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, CancellationToken.None))
            {
                // The connection broke: who asked asks again, or takes the turn over, and then the fence decides.
            }
        }
    }

    /// <summary>A worker's ear for one turn.</summary>
    internal sealed class Answering : IAsyncDisposable
    {
        private readonly CancellationTokenSource cancelled = new();
        private readonly INatsSub<byte[]> subscription;
        private readonly Task replying;

        public Answering(INatsSub<byte[]> subscription)
        {
            this.subscription = subscription;
            replying = ReplyAsync(subscription, cancelled);
        }

        /// <summary>Cancelled when somebody cancels the turn. That somebody did may also be known only from the mark.</summary>
        public CancellationToken Cancelled => cancelled.Token;

        public async ValueTask DisposeAsync()
        {
            await subscription.DisposeAsync();
            await replying;
            cancelled.Dispose();
        }
    }
}
