using System.Runtime.CompilerServices;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Streaming.Turns;

/// <summary>The durable consumer that all workers share. User messages are its work; nothing else queues a turn.</summary>
internal sealed partial class TurnQueue(INatsJSContext jetStream, NatsRefusals refusals, IOptions<TurnOptions> options, TimeProvider time, ILogger<TurnQueue> logger)
{
    public const string ConsumerName = Consumers.TurnWorkers;

    private const int ConsumerNotFound = 10014;
    private static readonly TimeSpan PullExpiry = TimeSpan.FromSeconds(10);

    /// <summary>When the consumer's leader dies, it takes the pull with it: two beats that do not come tell that, and not the end of the pull.</summary>
    private static readonly TimeSpan PullHeartbeat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>One message for each time it is asked, so that none waits in this process while another worker is free. Ends when the token is cancelled.</summary>
    public async IAsyncEnumerable<INatsJSMsg<byte[]>> PullAsync([EnumeratorCancellation] CancellationToken stoppingToken)
    {
        INatsJSConsumer? consumer = null;
        while (!stoppingToken.IsCancellationRequested)
        {
            INatsJSMsg<byte[]>? message = null;
            try
            {
                consumer ??= await EnsureConsumerAsync(stoppingToken);
                var asked = time.GetTimestamp();
                message = await consumer.NextAsync(NatsRawSerializer<byte[]>.Default, new NatsJSNextOpts { Expires = PullExpiry, IdleHeartbeat = PullHeartbeat }, stoppingToken);
                if (message is null && time.GetElapsedTime(asked) < PullExpiry / 2)
                {
                    // Nobody was there to ask: the client says so by returning at once.
                    throw new NatsJSException($"The consumer {ConsumerName} does not answer.");
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // Shutdown is how this ends; a message that is on its way comes again to another worker.
                yield break;
            }
            catch (Exception exception)
            {
                // Whatever it is: a worker that no longer pulls is of no use.
                if (!refusals.Explain(exception))
                {
                    LogPullFailed(exception);
                }

                consumer = null;
                await Task.Delay(RetryDelay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (message is not null)
            {
                yield return message;
            }
        }
    }

    /// <summary>
    /// Creates the consumer, or sets it to the options. One that is missing over a stream with messages means that it was deleted or the stream
    /// restored: it then delivers all history again, which the chain of each session recognises, so this is said but does no harm.
    /// </summary>
    private async Task<INatsJSConsumer> EnsureConsumerAsync(CancellationToken cancellationToken)
    {
        var stream = await jetStream.GetStreamAsync(Streams.Messages.Name, cancellationToken: cancellationToken);
        if (stream.Info.State.Messages > 0 && !await ExistsAsync(stream, cancellationToken))
        {
            LogRecreated(stream.Info.State.Messages);
        }

        var consumer = await stream.CreateOrUpdateConsumerAsync(
            new ConsumerConfig(ConsumerName)
            {
                Description = "Workers that run turns",
                FilterSubject = Subjects.AllUserMessages,
                AckPolicy = ConsumerConfigAckPolicy.Explicit,
                AckWait = options.Value.AckWait,
                MaxAckPending = options.Value.MaxAckPending,
                // Past a finite number a message would never come again, and its session would be busy for ever. Attempts are counted in the log.
                MaxDeliver = -1,
            },
            cancellationToken);
        return consumer.Info.Config.FilterSubject == Subjects.AllUserMessages
            ? consumer
            : throw new NatsJSException($"Consumer {ConsumerName} has the filter '{consumer.Info.Config.FilterSubject}' instead of '{Subjects.AllUserMessages}'.");
    }

    private static async Task<bool> ExistsAsync(INatsJSStream stream, CancellationToken cancellationToken)
    {
        try
        {
            await stream.GetConsumerAsync(ConsumerName, cancellationToken);
            return true;
        }
        catch (NatsJSApiException exception) when (exception.Error.ErrCode == ConsumerNotFound)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The consumer turn-workers was missing over {Messages} messages and is created again: finished turns will be recognised and skipped.")]
    private partial void LogRecreated(long messages);

    [LoggerMessage(LogLevel.Warning, "Pulling turns failed; trying again.")]
    private partial void LogPullFailed(Exception exception);
}
