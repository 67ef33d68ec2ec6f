using System.Text;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Usage;

/// <summary>Puts the usage events of a commit into KGENTS_USAGE. The same bytes with the same id may be published again at any time.</summary>
internal sealed partial class UsagePublisher(INatsJSContext jetStream, NatsRoom room, NatsMetrics metrics, TimeProvider time, ILogger<UsagePublisher> logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when every event is stored; while the stream refuses them (full, away) it waits, for as long as the token allows.</summary>
    public Task PublishAsync(TurnAddress turn, IReadOnlyList<UsagePayload> events, CancellationToken cancellationToken) =>
        Task.WhenAll(events.Select(usage => PublishAsync(turn, usage, cancellationToken)));

    private async Task PublishAsync(TurnAddress turn, UsagePayload usage, CancellationToken cancellationToken)
    {
        while (!await TryPublishAsync(turn, usage, cancellationToken))
        {
            await Task.Delay(RetryDelay, time, cancellationToken);
        }
    }

    private async Task<bool> TryPublishAsync(TurnAddress turn, UsagePayload usage, CancellationToken cancellationToken)
    {
        var outcome = NatsMetrics.Unknown;
        var since = metrics.Now;
        using var span = MessageSpans.StartSend(Streams.Usage.Name);
        try
        {
            var ack = await jetStream.PublishAsync(
                Subjects.Usage(turn.Tenant, turn.Session),
                Encoding.UTF8.GetBytes(usage.Json),
                NatsRawSerializer<byte[]>.Default,
                new NatsJSPubOpts { MsgId = usage.Id, RetryAttempts = 1 },
                MessageSpans.Headers(),
                cancellationToken: cancellationToken);

            // A duplicate with sequence 0 is one that the server knows and does not have: not stored.
            outcome = ack is { Error: null, Seq: > 0 } ? NatsMetrics.Stored : NatsMetrics.Refused;
            if (outcome == NatsMetrics.Stored)
            {
                room.Stored(Streams.Usage.Name);
                return true;
            }

            room.Explain(Streams.Usage.Name, ack.Error);
            LogNotStored(usage.Id, ack.Error?.Description ?? "duplicate that is not stored");
        }
        catch (Exception exception) when (NatsFaults.IsPassing(exception, cancellationToken))
        {
            room.Unanswered(Streams.Usage.Name);
            LogNotStored(usage.Id, exception.GetType().Name);
        }
        finally
        {
            metrics.Published(Streams.Usage.Name, outcome, since);
        }

        return false;
    }

    [LoggerMessage(LogLevel.Warning, "Usage event {EventId} is not stored yet ({Reason}); its turn waits.")]
    private partial void LogNotStored(string eventId, string reason);
}
