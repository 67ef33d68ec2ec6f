using Kgents.Contracts;
using Kgents.Metering.Corrections;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Telemetry;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Ledger;

/// <summary>Enters usage into the ledger: the next contiguous range of KGENTS_USAGE, with what each event is and what all add up to.</summary>
internal sealed partial class UsageReceiver(
    UsageLedger ledger, HourPages pages, UsageDeadLetters letters, JetStreamReader reader, MeteringMetrics metrics, IOptions<LedgerOptions> options, IOptions<NatsTopologyOptions> streams, ILogger logger)
{
    private readonly CorrectionChain corrections = new(reader);

    /// <summary>How far the stream was read; beyond the ledger's end only where there was nothing of this partition.</summary>
    private ulong readThrough;

    /// <summary>Begins the ledger if it is empty. Whatever the stream has already may have been sent by whoever came before.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (!ledger.State.IsOpen)
        {
            await OpenAsync("it was empty", new UsageDecisions(), cancellationToken);
        }

        readThrough = ledger.State.ReceivedThrough;
        await pages.WarmUpAsync(cancellationToken);
    }

    /// <param name="decided">What operators decided before: it is in no usage.</param>
    public async Task OpenAsync(string reason, UsageDecisions decided, CancellationToken cancellationToken)
    {
        var (first, last) = await reader.RangeAsync(Streams.Usage.Name, cancellationToken);
        await ledger.AppendAsync(new LedgerOpened(Math.Max(first, 1), last, reason) { Discarded = decided.DiscardedRanges, Reissued = decided.ReissuedEvents }, cancellationToken);
        LogOpened(ledger.Partition, reason, first, last);
    }

    /// <summary>Enters one range. False when there was nothing new.</summary>
    public async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        readThrough = Math.Max(readThrough, ledger.State.ReceivedThrough);
        var read = await ReadAsync(cancellationToken);
        if (read.Count == 0)
        {
            return false;
        }

        var events = new List<ReceivedEvent>();
        var totals = new Dictionary<(TenantId, string, string, string), UsageTotal>();
        foreach (var stored in read)
        {
            var isUsage = Subjects.TryParseUsage(stored.Subject, out var partition, out var tenant);
            if (isUsage && partition == ledger.Partition)
            {
                events.Add(await ClassifyAsync(stored, tenant, totals, cancellationToken));
            }
            else if (!isUsage || partition >= streams.Value.Partitions)
            {
                LogForeign(stored.Sequence, stored.Subject);
            }
        }

        readThrough = read[^1].Sequence;
        if (events.Count > 0)
        {
            // A letter that is kept twice, because the process died here, is listed once.
            await ledger.AppendAsync(new UsageReceived(ledger.State.ReceivedThrough + 1, readThrough, events, [.. totals.Values]), cancellationToken);
            metrics.Received(events);
        }

        return true;
    }

    private async Task<ReceivedEvent> ClassifyAsync(
        StoredEntry stored, TenantId tenant, Dictionary<(TenantId, string, string, string), UsageTotal> totals, CancellationToken cancellationToken)
    {
        var hash = LedgerCodec.Hash(stored.Data.Span);
        var usage = InspectedUsage.Read(stored, tenant);
        if (usage.Used is not { } used)
        {
            return await QuarantineAsync(stored, tenant, usage, hash, usage.Problem!, cancellationToken);
        }

        switch (await pages.HasAsync(usage.Id, hash, usage.Hour, cancellationToken))
        {
            case true:
                return new ReceivedEvent(stored.Sequence, usage.Id, hash, usage.Hour, ReceivedEvent.Duplicate);
            case false:
                return await QuarantineAsync(stored, tenant, usage, hash, "an earlier event has its id and is another one", cancellationToken);
            default:
                if (usage.Corrects is not null && await corrections.FindProblemAsync(stored, usage, CountsAsync, cancellationToken) is { } problem)
                {
                    return await QuarantineAsync(stored, tenant, usage, hash, problem, cancellationToken);
                }

                var page = await pages.GetAsync(usage.Hour, cancellationToken);
                page.Add(usage.Id, hash);
                totals[(tenant, used.Hour, used.Model, used.Type)] = page.Add(used);
                return new ReceivedEvent(stored.Sequence, usage.Id, hash, usage.Hour);
        }
    }

    /// <summary>What the ledger has, and what of this range is before the correction that asks.</summary>
    private async Task<bool> CountsAsync(StoredEntry stored, InspectedUsage usage) =>
        await pages.HasAsync(usage.Id, LedgerCodec.Hash(stored.Data.Span), usage.Hour, CancellationToken.None) is true;

    private async Task<ReceivedEvent> QuarantineAsync(StoredEntry stored, TenantId tenant, InspectedUsage usage, string hash, string reason, CancellationToken cancellationToken)
    {
        await letters.KeepAsync(tenant, stored.Sequence, stored.Subject, stored.Data, reason, cancellationToken);
        LogQuarantined(stored.Sequence, reason);
        return new ReceivedEvent(stored.Sequence, usage.Id, hash, usage.Hour, ReceivedEvent.Quarantined, reason);
    }

    /// <summary>What follows in the stream, without a hole: a replica of the stream that is behind may not hide an event.</summary>
    private async Task<IReadOnlyList<StoredEntry>> ReadAsync(CancellationToken cancellationToken)
    {
        var read = new List<StoredEntry>();
        var expected = readThrough + 1;
        await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, expected, 0, cancellationToken))
        {
            if (stored.Sequence > expected)
            {
                if (await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, expected, cancellationToken) is not { } next || next.Sequence != stored.Sequence)
                {
                    break;
                }

                LogGone(expected, stored.Sequence - 1);
            }

            read.Add(stored);
            expected = stored.Sequence + 1;
            if (read.Count == options.Value.RangeSize)
            {
                break;
            }
        }

        return read;
    }

    [LoggerMessage(LogLevel.Information, "The ledger of partition {Partition} was opened ({Reason}): usage {First} to {Last} is looked up in OpenMeter before it is sent.")]
    private partial void LogOpened(int partition, string reason, ulong first, ulong last);

    [LoggerMessage(LogLevel.Error, "Usage event {Sequence} of KGENTS_USAGE is quarantined, neither counted nor sent: {Reason}. See `dead-letters`.")]
    private partial void LogQuarantined(ulong sequence, string reason);

    [LoggerMessage(LogLevel.Error, "Usage event {Sequence} of KGENTS_USAGE has the subject {Subject}, which nobody meters: it is no subject of usage, or its partition is beyond Nats:Partitions.")]
    private partial void LogForeign(ulong sequence, string subject);

    [LoggerMessage(LogLevel.Critical, "KGENTS_USAGE has no events {From} to {To}: they were there, or should have been, and were not metered.")]
    private partial void LogGone(ulong from, ulong to);
}
