using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Metering.DeadLetters;

/// <summary>Usage events that cannot be billed, with their reason. What became of them since is in the ledger.</summary>
internal sealed class UsageDeadLetters(INatsJSContext jetStream, JetStreamReader reader, TimeProvider time)
{
    public const string Origin = "usage";

    /// <summary>Returns when it is stored. One event may have several letters: it was refused again, or the process died before the ledger had it.</summary>
    public async Task KeepAsync(TenantId tenant, ulong sequence, string subject, ReadOnlyMemory<byte> payload, string reason, CancellationToken cancellationToken)
    {
        var letter = new DeadLetter(Streams.Usage.Name, sequence, subject, reason, payload, time.GetUtcNow());
        var ack = await jetStream.PublishAsync(
            Subjects.DeadLetters(Origin, tenant),
            JsonSerializer.SerializeToUtf8Bytes(letter, WireJson.Default.DeadLetter),
            NatsRawSerializer<byte[]>.Default,
            new NatsJSPubOpts { MsgId = string.Create(CultureInfo.InvariantCulture, $"{Origin}-{sequence}") },
            MessageSpans.Headers(),
            cancellationToken);
        if (ack is not { Error: null, Seq: > 0 })
        {
            throw new NatsJSException($"The dead letter of usage event {sequence} was not stored: {ack.Error?.Description}");
        }
    }

    /// <summary>The latest letter of each event, by its sequence in KGENTS_USAGE.</summary>
    public async Task<IReadOnlyDictionary<ulong, DeadLetter>> ReadAsync(CancellationToken cancellationToken)
    {
        var letters = new SortedDictionary<ulong, DeadLetter>();
        await foreach (var stored in reader.ReadAsync(Streams.DeadLetters.Name, Subjects.DeadLettersOf(Origin), 1, 0, cancellationToken))
        {
            if (JsonSerializer.Deserialize(stored.Data.Span, WireJson.Default.DeadLetter) is { } letter)
            {
                letters[letter.Sequence] = letter;
            }
        }

        return letters;
    }
}
