using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.Metering.Telemetry;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Export;

/// <summary>Decides what is sent next, and enters it into the ledger as <c>sending</c> before anybody can send it.</summary>
internal sealed class ExportQueue(UsageLedger ledger, UsagePayloads payloads, MeteringMetrics metrics, IOptions<ExportOptions> options, TimeProvider time)
{
    /// <summary>Of one request's body.</summary>
    private const int LargestBody = 1_000_000;

    private readonly long startedAt = time.GetTimestamp();
    private (UsageReceived Entry, ulong Sequence)? range;
    private long? waitingFrom;

    /// <summary>Events that are to go again come first. Null when there is nothing to do now, and
    /// empty when there was, and nothing of it is to be sent.</summary>
    /// <param name="size">At most so many.</param>
    /// <param name="newOnes">False while only what was sent already may go.</param>
    public async Task<ExportBatch?> TakeAsync(int size, bool newOnes, CancellationToken cancellationToken)
    {
        if (ledger.State.Unsettled.Values.FirstOrDefault(each => each.SendAgain is not null) is { SendAgain: { } cause })
        {
            var again = ledger.State.Unsettled.Values.Where(each => each.SendAgain == cause).Take(size).Select(each => each.Sequence).ToList();
            metrics.Retry(again.Count, cause);
            return await BeginAsync(await payloads.ReadAsync(again, cancellationToken), ledger.State.ReadFrom, cause, cancellationToken);
        }

        var room = Math.Min(size, options.Value.MaxUnsettled - ledger.State.Unsettled.Count);
        if (!newOnes || room <= 0 || !IsDue(room))
        {
            return null;
        }

        var (next, readTo) = await NextAsync(room, cancellationToken);
        waitingFrom = null;
        if (next[0].Sequence > ledger.State.UnsureThrough)
        {
            return await BeginAsync(next, readTo, null, cancellationToken);
        }

        await AskFirstAsync(next, readTo, cancellationToken);
        return new ExportBatch([]);
    }

    /// <summary>A full batch at once; a smaller one when its first event has waited long enough.</summary>
    private bool IsDue(int room)
    {
        if (ledger.State.Waiting == 0)
        {
            waitingFrom = null;
            return false;
        }

        waitingFrom ??= time.GetTimestamp();
        return ledger.State.Waiting >= room || time.GetElapsedTime(waitingFrom.Value) >= options.Value.BatchWait;
    }

    private async Task<ExportBatch> BeginAsync(IReadOnlyList<StoredEntry> events, ulong readTo, string? again, CancellationToken cancellationToken)
    {
        await ledger.AppendAsync(new UsageSending(SequenceRange.Of(events.Select(each => each.Sequence)), readTo, again), cancellationToken);
        return new ExportBatch([.. events.Select(Hold)]);
    }

    /// <summary>Somebody before this ledger may have sent them. Nobody does now, or did since this process has the partition.</summary>
    private async Task AskFirstAsync(IReadOnlyList<StoredEntry> events, ulong readTo, CancellationToken cancellationToken)
    {
        await ledger.AppendAsync(new UsageSending(SequenceRange.Of(events.Select(each => each.Sequence)), readTo, UsageSending.Unsure), cancellationToken);
        foreach (var each in events)
        {
            // What was given up before is not there.
            if (ledger.State.Unsettled.TryGetValue(each.Sequence, out var unsettled))
            {
                unsettled.Id = unsettled.ReissuedAs ?? UsagePayloads.IdOf(each);
                unsettled.LetGo(startedAt);
            }
        }
    }

    private ExportedEvent Hold(StoredEntry stored)
    {
        var unsettled = ledger.State.Unsettled[stored.Sequence];
        unsettled.IsHeld = true;
        unsettled.Id = unsettled.ReissuedAs ?? UsagePayloads.IdOf(stored);
        var payload = unsettled.ReissuedAs is { } id ? UsagePayloads.WithId(stored.Data, id) : stored.Data;
        return new ExportedEvent(stored.Sequence, stored.Subject, unsettled.Id, payload) { Trace = MessageSpans.Extract(stored.Headers) };
    }

    /// <summary>
    /// The next events that count, with their bytes, and the entry of the last of them: those before it are never read again. Never some that
    /// are unsure and some that are not.
    /// </summary>
    private async Task<(IReadOnlyList<StoredEntry> Events, ulong ReadTo)> NextAsync(int count, CancellationToken cancellationToken)
    {
        var next = new List<(ReceivedEvent Event, ulong Entry)>();
        var from = ledger.State.ReadFrom;
        while (next.Count < count && await RangeAsync(from, cancellationToken) is { } found)
        {
            next.AddRange(found.Entry.Events.Where(each => each.Counts && each.Sequence > ledger.State.SentThrough).Take(count - next.Count).Select(each => (each, found.Sequence)));
            from = found.Sequence + 1;
        }

        if (next.Count == 0)
        {
            throw new LedgerBrokenException($"{ledger.State.Waiting} events wait to be sent after {ledger.State.SentThrough}, and none is found from entry {ledger.State.ReadFrom} on");
        }

        var isUnsure = next[0].Event.Sequence <= ledger.State.UnsureThrough;
        next.RemoveAll(each => each.Event.Sequence <= ledger.State.UnsureThrough != isUnsure);
        var events = new List<StoredEntry>();
        var size = 0;
        foreach (var (stored, (entry, _)) in (await payloads.ReadAsync([.. next.Select(each => each.Event.Sequence)], cancellationToken)).Zip(next))
        {
            size += stored.Data.Length;
            if (size > LargestBody && events.Count > 0)
            {
                break;
            }

            events.Add(LedgerCodec.Hash(stored.Data.Span) == entry.Hash ? stored : throw new LedgerBrokenException($"usage event {entry.Sequence} is not the one that was entered"));
        }

        return (events, next[events.Count - 1].Entry);
    }

    private async Task<(UsageReceived Entry, ulong Sequence)?> RangeAsync(ulong from, CancellationToken cancellationToken)
    {
        if (range is { } known && known.Sequence == from)
        {
            return known;
        }

        var found = await ledger.NextReceivedAsync(from, cancellationToken);
        range = found ?? range;
        return found;
    }
}
