using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Lease;

/// <summary>
/// At most one replica works on a partition. Its holder writes the lease anew three times in its duration; another takes it when it has not
/// changed for that long by the other's own clock, so no two clocks are compared. The ledger's fence holds in any case: this only keeps
/// replicas from working against each other, and from sending the same event at the same time.
/// </summary>
internal sealed class PartitionLease(int partition, JetStreamReader reader, FencedPublisher publisher, IOptions<LedgerOptions> options, TimeProvider time)
{
    private static readonly string Stream = Subjects.KeyValueStream(Buckets.Leases);

    private readonly string subject = Subjects.MeteringLease(partition);
    private readonly string holder = Guid.NewGuid().ToString("n");
    private ulong sequence;
    private long renewal;
    private long heldFrom;

    private TimeSpan Duration => options.Value.Lease;

    /// <summary>False as soon as somebody else may hold it.</summary>
    public bool IsHeld => sequence > 0 && time.GetElapsedTime(heldFrom) < Duration;

    /// <summary>Waits until the lease is free, and takes it.</summary>
    public async Task AcquireAsync(CancellationToken cancellationToken)
    {
        sequence = 0;
        ulong? seen = null;
        var unchangedSince = time.GetTimestamp();
        while (true)
        {
            var last = await reader.LastAsync(Stream, subject, cancellationToken);
            if ((last?.Sequence ?? 0) != seen)
            {
                seen = last?.Sequence ?? 0;
                unchangedSince = time.GetTimestamp();
            }

            var isFree = last is null || last.Data.IsEmpty || Decode(last).Holder.Length == 0 || time.GetElapsedTime(unchangedSince) >= Duration;
            if (isFree && await TryWriteAsync(holder, last?.Sequence ?? 0, cancellationToken))
            {
                return;
            }

            await Task.Delay(Duration / 10, time, cancellationToken);
        }
    }

    /// <summary>Writes the lease anew until the token ends. Returns when it is lost, or may be.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Duration / 3, time);
        while (await timer.WaitForNextTickAsync(cancellationToken) && IsHeld)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Duration - time.GetElapsedTime(heldFrom) is { Ticks: > 0 } left ? left : TimeSpan.Zero);
            try
            {
                if (!await TryWriteAsync(holder, sequence, limit.Token))
                {
                    break;
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                break;
            }
        }

        sequence = 0;
    }

    /// <summary>The next replica need not wait. If it cannot be said, it waits.</summary>
    public async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        if (IsHeld)
        {
            await TryWriteAsync("", sequence, cancellationToken);
        }

        sequence = 0;
    }

    private async Task<bool> TryWriteAsync(string value, ulong expected, CancellationToken cancellationToken)
    {
        // Counted from before the write: the others count from after it.
        var from = time.GetTimestamp();
        var payload = JsonSerializer.SerializeToUtf8Bytes(new LeaseRecord(value, ++renewal), WireJson.Default.LeaseRecord);
        var result = await publisher.AppendAsync(Stream, subject, payload, [], expected, entry => entry.Data.Span.SequenceEqual(payload), cancellationToken);
        heldFrom = from;
        sequence = result.IsStored ? result.Sequence : 0;
        return result.IsStored;
    }

    private static LeaseRecord Decode(StoredEntry entry) =>
        JsonSerializer.Deserialize(entry.Data.Span, WireJson.Default.LeaseRecord) ?? new LeaseRecord("", 0);
}
