using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using Kgents.Streaming.Telemetry;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Turns;

/// <summary>Keeps what cannot be processed, with its reason, before it leaves the queue.</summary>
internal sealed partial class DeadLetters(INatsJSContext jetStream, TurnMetrics metrics, TimeProvider time, ILogger<DeadLetters> logger)
{
    private const string FromMessages = "messages";
    private const string FromTokens = "tokens";

    /// <summary>A letter is larger than what it holds, and must not be larger than a message may be: else what it tells of would come again for ever.</summary>
    private const int LongestPayload = 512 * 1024;

    /// <summary>Returns when it is stored; a message that is told twice has one letter, by its sequence.</summary>
    public Task KeepAsync(TenantId tenant, INatsJSMsg<byte[]> message, string reason, CancellationToken cancellationToken) => KeepAsync(
        FromMessages, tenant, Streams.Messages.Name, message.Metadata!.Value.Sequence.Stream, message.Subject, reason, message.Data, cancellationToken);

    /// <summary>The same for an entry of a turn's log.</summary>
    public Task KeepAsync(TenantId tenant, StoredEntry entry, CancellationToken cancellationToken) => KeepAsync(
        FromTokens, tenant, Streams.Tokens.Name, entry.Sequence, entry.Subject, $"it is not an event of the kind '{entry.Header(TurnHeaders.Event)}'", entry.Data, cancellationToken);

    private async Task KeepAsync(
        string origin, TenantId tenant, string stream, ulong sequence, string subject, string reason, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var (kept, why) = payload.Length <= LongestPayload ? (payload, reason) : (payload[..LongestPayload], $"{reason}; only the first {LongestPayload} of its {payload.Length} bytes are here");
        var letter = new DeadLetter(stream, sequence, subject, why, kept, time.GetUtcNow());
        var ack = await jetStream.PublishAsync(
            Subjects.DeadLetters(origin, tenant),
            JsonSerializer.SerializeToUtf8Bytes(letter, WireJson.Default.DeadLetter),
            NatsRawSerializer<byte[]>.Default,
            new NatsJSPubOpts { MsgId = $"{origin}-{sequence}" },
            MessageSpans.Headers(),
            cancellationToken);
        if (ack is not { Error: null, Seq: > 0 })
        {
            throw new NatsJSException($"The dead letter of {sequence} was not stored: {ack.Error?.Description}");
        }

        metrics.DeadLetter();
        LogKept(sequence, stream, reason);
    }

    [LoggerMessage(LogLevel.Error, "Message {Sequence} of {Stream} is a dead letter: {Reason}.")]
    private partial void LogKept(ulong sequence, string stream, string reason);
}
