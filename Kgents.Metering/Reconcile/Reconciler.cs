using System.Runtime.CompilerServices;
using System.Text;
using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Export;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Reconcile;

/// <summary>
/// Puts token log, ledger and OpenMeter side by side, event by event, and names the cause of each difference. It asks OpenMeter for what it shows and sums up that, not what was sent. It only reads,
/// beside a replica that goes on: what was on its way when it began may have arrived since, and is no difference then.
/// </summary>
internal sealed class Reconciler(UsageLedger ledger, OpenMeterEvents openMeter, JetStreamReader reader, TimeProvider time)
{
    /// <summary>Between two looks for an event that OpenMeter showed before: one answer that lacks it is no proof.</summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(1);

    /// <summary>Each has two ids at most.</summary>
    private const int EventsAtOnce = OpenMeterEvents.Most / 2;

    private readonly UsagePayloads payloads = new(reader);
    private readonly Dictionary<ReconciledGroup, ReconciledRow> rows = [];
    private readonly Dictionary<ulong, string> reissued = [];
    private readonly HashSet<ulong> discarded = [];
    private readonly HashSet<string> entered = new(StringComparer.Ordinal);
    private readonly List<Difference> differences = [];

    /// <param name="from">The first hour, as the ledger writes it.</param>
    /// <param name="to">The first hour that is not compared.</param>
    /// <exception cref="HttpRequestException">OpenMeter does not answer.</exception>
    public async Task<Reconciliation> RunAsync(string from, string to, CancellationToken cancellationToken)
    {
        await ledger.LoadAsync(cancellationToken);
        await ReadDecisionsAsync(from, to, cancellationToken);
        await foreach (var some in EnteredAsync(from, to, cancellationToken).Chunk(EventsAtOnce).WithCancellation(cancellationToken))
        {
            await CompareAsync(some, cancellationToken);
        }

        var logFrom = await ReadLogAsync(from, to, cancellationToken);
        return new Reconciliation(
            from,
            to,
            logFrom,
            [.. rows.Values.OrderBy(row => row.Group.Tenant.ToString(), StringComparer.Ordinal).ThenBy(row => row.Group.Hour, StringComparer.Ordinal).ThenBy(row => row.Group.Model, StringComparer.Ordinal).ThenBy(row => row.Group.Type, StringComparer.Ordinal)],
            differences);
    }

    private static bool IsWithin(string hour, string from, string to) => string.CompareOrdinal(hour, from) >= 0 && string.CompareOrdinal(hour, to) < 0;

    /// <summary>What operators entered, and under which ids they had events sent.</summary>
    private async Task ReadDecisionsAsync(string from, string to, CancellationToken cancellationToken)
    {
        await foreach (var entry in EntriesAsync(from, to, cancellationToken))
        {
            if (entry is UsageReissued again)
            {
                reissued[again.Sequence] = again.Id;
            }
            else if (entry is UsageDiscarded given)
            {
                discarded.Add(given.Sequence);
            }
        }
    }

    /// <summary>The events of these hours that count, in order.</summary>
    private async IAsyncEnumerable<ReceivedEvent> EnteredAsync(string from, string to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in EntriesAsync(from, to, cancellationToken))
        {
            foreach (var each in (entry as UsageReceived)?.Events.Where(each => each.Counts && IsWithin(each.Hour, from, to)) ?? [])
            {
                yield return each;
            }
        }
    }

    /// <summary>The ledger from the first entry that has anything of these hours.</summary>
    private async IAsyncEnumerable<LedgerEntry> EntriesAsync(string from, string to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var hours = ledger.State.Hours.Values.Where(hour => IsWithin(hour.Hour, from, to)).ToList();
        if (hours.Count == 0)
        {
            yield break;
        }

        await foreach (var (entry, sequence, _) in ledger.ReadAsync(hours.Min(hour => hour.First), ledger.State.LastSequence, cancellationToken))
        {
            if (sequence > ledger.State.LastSequence)
            {
                yield break;
            }

            yield return entry;
        }
    }

    private async Task CompareAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken)
    {
        var shown = await FindAsync(events, cancellationToken);
        if (events.Any(each => !shown.ContainsKey(each.Sequence) && CauseOfAbsence(each.Sequence) == Cause.Vanished))
        {
            await Task.Delay(SecondLook, time, cancellationToken);
            shown = await FindAsync(events, cancellationToken);
        }

        var stored = await payloads.ReadAsync([.. events.Select(each => each.Sequence)], cancellationToken);
        foreach (var (each, entry) in events.Zip(stored))
        {
            if (!Subjects.TryParseUsage(entry.Subject, out _, out var tenant) || InspectedUsage.Read(entry, tenant).Used is not { } used)
            {
                throw new LedgerBrokenException($"event {each.Sequence} counts in the ledger and cannot be read");
            }

            entered.Add(each.Id);
            Compare(each, Group(used), used.Quantity, shown.GetValueOrDefault(each.Sequence));
        }
    }

    /// <summary>What OpenMeter shows of each, by sequence. One that was sent under a new id may be there under its own as well, and is there twice then.</summary>
    private async Task<Dictionary<ulong, ShownEvent>> FindAsync(IReadOnlyList<ReceivedEvent> events, CancellationToken cancellationToken)
    {
        var found = await openMeter.FindAsync([.. events.SelectMany(IdsOf)], UsageEvent.Sources, cancellationToken);
        var shown = new Dictionary<ulong, ShownEvent>();
        foreach (var each in events)
        {
            foreach (var one in IdsOf(each).Select(id => found.GetValueOrDefault(id)).OfType<ShownEvent>())
            {
                shown[each.Sequence] = shown.TryGetValue(each.Sequence, out var other) ? one with { Times = one.Times + other.Times } : one;
            }
        }

        return shown;
    }

    private IEnumerable<string> IdsOf(ReceivedEvent each) => reissued.TryGetValue(each.Sequence, out var other) ? [each.Id, other] : [each.Id];

    private void Compare(ReceivedEvent each, ReconciledGroup group, decimal quantity, ShownEvent? shown)
    {
        var row = RowOf(group);
        row.Ledger = row.Ledger.Plus(quantity);
        for (var time = 0; time < (shown?.Times ?? 0); time++)
        {
            row.OpenMeter = row.OpenMeter.Plus(shown!.ValidationError is null ? shown.Quantity : 0);
        }

        Cause? cause = shown is null ? CauseOfAbsence(each.Sequence)
            : shown.Times > 1 ? Cause.Doubled
            : shown.ValidationError is not null ? Cause.Uncounted
            : shown.Quantity != quantity ? Cause.Altered
            : null;
        if (cause is { } named)
        {
            differences.Add(new Difference(each.Sequence, each.Id, group, quantity, named, reissued.GetValueOrDefault(each.Sequence)));
        }
    }

    private Cause CauseOfAbsence(ulong sequence) =>
        ledger.State.Unsettled.TryGetValue(sequence, out var unsettled) ? unsettled.Phase == UnsettledPhase.Missing ? Cause.Missing : Cause.Unconfirmed
        : sequence > ledger.State.SentThrough ? Cause.Waiting
        : ledger.State.Refused.Contains(sequence) ? Cause.Refused
        : discarded.Contains(sequence) ? Cause.Discarded
        : Cause.Vanished;

    /// <summary>What turns committed; the bytes of their events stand there too. Since when there is a log; null for none.</summary>
    private async Task<DateTimeOffset?> ReadLogAsync(string from, string to, CancellationToken cancellationToken)
    {
        DateTimeOffset? first = null;
        await foreach (var entry in reader.ReadAsync(Streams.Tokens.Name, Subjects.PartitionTokens(ledger.Partition), 1, 0, cancellationToken))
        {
            first ??= entry.Time;
            if (entry.Header(TurnHeaders.Event) != TurnEventCodec.Committed || !Subjects.TryParseTokens(entry.Subject, out var turn)
                || !TurnEventCodec.TryDecode(TurnEventCodec.Committed, entry.Data.Span, out var decoded) || decoded is not TurnCommitted commit)
            {
                continue;
            }

            foreach (var payload in commit.UsageEvents)
            {
                if (InspectedUsage.Read(Encoding.UTF8.GetBytes(payload.Json), turn.Tenant, entry.Time).Used is { } used && IsWithin(used.Hour, from, to))
                {
                    await CompareAsync(turn, payload.Id, used, cancellationToken);
                }
            }
        }

        return first;
    }

    private async Task CompareAsync(TurnAddress turn, string id, UsageTotal used, CancellationToken cancellationToken)
    {
        var row = RowOf(Group(used));
        row.Log = row.Log.Plus(used.Quantity);
        if (!entered.Contains(id))
        {
            var recorded = await FindRecordedAsync(turn, id, cancellationToken);
            differences.Add(new Difference(recorded ?? 0, id, Group(used), used.Quantity, recorded is null ? Cause.NotRecorded : Cause.Waiting));
        }
    }

    /// <summary>It may have been recorded since the ledger was read.</summary>
    private async Task<ulong?> FindRecordedAsync(TurnAddress turn, string id, CancellationToken cancellationToken)
    {
        await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.Usage(turn.Tenant, turn.Session), ledger.State.ReceivedThrough + 1, 0, cancellationToken))
        {
            if (InspectedUsage.Read(stored.Data, turn.Tenant, stored.Time).Id == id)
            {
                return stored.Sequence;
            }
        }

        return null;
    }

    private ReconciledRow RowOf(ReconciledGroup group) => rows.TryGetValue(group, out var row) ? row : rows[group] = new ReconciledRow(group);

    private static ReconciledGroup Group(UsageTotal used) => new(used.Tenant, used.Hour, used.Model, used.Type);
}
