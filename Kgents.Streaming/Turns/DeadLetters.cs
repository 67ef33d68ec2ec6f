using System.Text.Json;
using Kgents.Contracts;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Streaming.Turns;

/// <summary>Keeps what cannot be processed, with its reason, before it leaves the queue.</summary>
internal sealed partial class DeadLetters(INatsJSContext jetStream, TimeProvider time, ILogger<DeadLetters> logger)
{
    private const string Origin = "messages";

    /// <summary>Returns when it is stored; a message that is told twice has one letter, by its sequence.</summary>
    public async Task KeepAsync(TenantId tenant, INatsJSMsg<byte[]> message, string reason, CancellationToken cancellationToken)
    {
        var sequence = message.Metadata!.Value.Sequence.Stream;
        var letter = new DeadLetter(Streams.Messages.Name, sequence, message.Subject, reason, message.Data ?? [], time.GetUtcNow());
        var ack = await jetStream.PublishAsync(
            Subjects.DeadLetters(Origin, tenant),
            JsonSerializer.SerializeToUtf8Bytes(letter, WireJson.Default.DeadLetter),
            NatsRawSerializer<byte[]>.Default,
            new NatsJSPubOpts { MsgId = $"{Origin}-{sequence}" },
            cancellationToken: cancellationToken);
        if (ack is not { Error: null, Seq: > 0 })
        {
            throw new NatsJSException($"The dead letter of {sequence} was not stored: {ack.Error?.Description}");
        }

        LogKept(sequence, reason);
    }

    [LoggerMessage(LogLevel.Error, "Message {Sequence} of KGENTS_MESSAGES is a dead letter: {Reason}.")]
    private partial void LogKept(ulong sequence, string reason);
}
