using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Metering.Webhooks.Events;

/// <summary>
/// What is stored in a stream, to be looked at once by some replica: a durable consumer remembers how far that came. What is done for a message may be done again, when a replica dies before it says that
/// it is done.
/// </summary>
internal sealed partial class WebhookFeed(INatsJSContext jetStream, TimeProvider time, ILogger<WebhookFeed> logger)
{
    /// <summary>Brings events to the webhooks that chose them.</summary>
    public const string Events = "webhook-events";

    /// <summary>Looks for thresholds and limits.</summary>
    public const string Quotas = "webhook-quotas";

    /// <summary>Tells of usage that cannot be billed.</summary>
    public const string DeadLetters = "webhook-dead-letters";

    private static readonly TimeSpan PullExpiry = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PullHeartbeat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AckWait = TimeSpan.FromSeconds(30);

    /// <summary>Ends by cancellation alone.</summary>
    /// <param name="handle">False for a message that nobody can read.</param>
    public async Task RunAsync(string name, string stream, string filter, Func<INatsJSMsg<byte[]>, CancellationToken, Task<bool>> handle, CancellationToken stoppingToken)
    {
        INatsJSConsumer? consumer = null;
        while (true)
        {
            stoppingToken.ThrowIfCancellationRequested();
            try
            {
                consumer ??= await jetStream.CreateOrUpdateConsumerAsync(
                    stream, new ConsumerConfig(name) { FilterSubject = filter, AckPolicy = ConsumerConfigAckPolicy.Explicit, AckWait = AckWait, MaxDeliver = -1 }, stoppingToken);
                var asked = time.GetTimestamp();
                var message = await consumer.NextAsync(NatsRawSerializer<byte[]>.Default, new NatsJSNextOpts { Expires = PullExpiry, IdleHeartbeat = PullHeartbeat }, stoppingToken);
                if (message is not null)
                {
                    await HandleAsync(name, message, handle, stoppingToken);
                }
                else if (time.GetElapsedTime(asked) < PullExpiry / 2)
                {
                    // Nobody was there to ask: the client says so by returning at once.
                    throw new NatsJSException($"The consumer {name} does not answer.");
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is: what is not told now is told later.
                LogFailed(name, exception);
                consumer = null;
                await Task.Delay(RetryDelay, time, stoppingToken);
            }
        }
    }

    private async Task HandleAsync(string name, INatsJSMsg<byte[]> message, Func<INatsJSMsg<byte[]>, CancellationToken, Task<bool>> handle, CancellationToken stoppingToken)
    {
        bool isRead;
        try
        {
            isRead = await handle(message, stoppingToken);
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            LogFailed(name, exception);
            await message.NakAsync(delay: RetryDelay, cancellationToken: stoppingToken);
            return;
        }

        if (isRead)
        {
            await message.AckAsync(cancellationToken: stoppingToken);
        }
        else
        {
            LogUnreadable(message.Subject, message.Metadata?.Sequence.Stream ?? 0, name);
            await message.AckTerminateAsync(cancellationToken: stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Consumer} was interrupted; trying again.")]
    private partial void LogFailed(string consumer, Exception exception);

    [LoggerMessage(LogLevel.Error, "Message {Sequence} of {Subject} cannot be read by {Consumer} and is left out.")]
    private partial void LogUnreadable(string subject, ulong sequence, string consumer);
}
