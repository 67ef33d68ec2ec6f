using System.Globalization;
using System.Runtime.CompilerServices;
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

    /// <summary>Usage and its letters are in streams that have their times from two servers: by as much these may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

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

    /// <summary>Letters before a position in their stream, the latest first. What is before the latest one that was stored before an instant is not read.</summary>
    public async IAsyncEnumerable<(DeadLetter Letter, ulong Position)> LatestAsync(ulong before, DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var piece in reader.ReadBackwardsAsync(Streams.DeadLetters.Name, Subjects.DeadLettersOf(Origin), before, cancellationToken))
        {
            foreach (var stored in piece)
            {
                if (stored.Time < since)
                {
                    yield break;
                }

                if (JsonSerializer.Deserialize(stored.Data.Span, WireJson.Default.DeadLetter) is { } letter)
                {
                    yield return (letter, stored.Sequence);
                }
            }
        }
    }

    /// <summary>The latest letter of one of these events; null for none.</summary>
    public async Task<DeadLetter?> FindAsync(IReadOnlyCollection<ulong> events, CancellationToken cancellationToken)
    {
        var since = await SinceAsync(events.Min(), cancellationToken);
        await foreach (var (letter, _) in LatestAsync(ulong.MaxValue, since, cancellationToken))
        {
            if (events.Contains(letter.Sequence))
            {
                return letter;
            }
        }

        return null;
    }

    /// <summary>Since when an event may have a letter: since it was recorded, as far as the clocks of two servers tell. Of one that is gone nobody knows.</summary>
    public async Task<DateTimeOffset> SinceAsync(ulong usage, CancellationToken cancellationToken) =>
        await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, usage, cancellationToken) is { } stored && stored.Sequence == usage ? stored.Time - Skew : DateTimeOffset.MinValue;
}
