using System.Runtime.CompilerServices;
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
internal sealed class Reconciler(UsageLedger ledger, CommittedUsage committed, OpenMeterEvents openMeter, JetStreamReader reader, TimeProvider time)
{
    /// <summary>Between two looks for an event that OpenMeter showed before: one answer that lacks it is no proof.</summary>
    private static readonly TimeSpan SecondLook = TimeSpan.FromSeconds(1);

    /// <summary>Each has two ids at most.</summary>
    private const int EventsAtOnce = OpenMeterEvents.Most / 2;

    /// <summary>So many wait for their second look at once: an OpenMeter that has lost everything shall not be waited for a second for every few events.</summary>
    private const int MostAwaited = 10 * EventsAtOnce;

    private readonly UsagePayloads payloads = new(reader);
    private readonly Dictionary<ReconciledGroup, ReconciledRow> rows = [];
    private readonly HashSet<ulong> discarded = [];
    private readonly ReconciledDifferences differences = new();

    /// <summary>Those that OpenMeter showed before and lacked at the first look.</summary>
    private readonly List<ReceivedEvent> awaited = [];

    /// <param name="from">The first hour, as the ledger writes it.</param>
    /// <param name="to">The first hour that is not compared.</param>
    /// <exception cref="HttpRequestException">OpenMeter does not answer.</exception>
    public async Task<Reconciliation> RunAsync(string from, string to, CancellationToken cancellationToken)
    {
        await ledger.LoadAsync(cancellationToken);
        await ReadDiscardedAsync(from, to, cancellationToken);
        await foreach (var some in EnteredAsync(from, to, cancellationToken).Chunk(EventsAtOnce).WithCancellation(cancellationToken))
        {
            await CompareAsync(some, cancellationToken);
        }

        await LookAgainAsync(cancellationToken);
        await CompareLogAsync(from, to, cancellationToken);
        return new Reconciliation(
            from,
            to,
            await committed.BeginsAtAsync(cancellationToken),
            [.. rows.Values.OrderBy(row => row.Group.Tenant.ToString(), StringComparer.Ordinal).ThenBy(row => row.Group.Hour, StringComparer.Ordinal).ThenBy(row => row.Group.Model, StringComparer.Ordinal).ThenBy(row => row.Group.Type, StringComparer.Ordinal)],
            differences,
            committed.EntriesRead);
    }

    private static bool IsWithin(string hour, string from, string to) => string.CompareOrdinal(hour, from) >= 0 && string.CompareOrdinal(hour, to) < 0;

    /// <summary>What was given up: before the ledger was begun anew the state knows it, and since then only the entries do. It is the last decision on an event that holds.</summary>
    private async Task ReadDiscardedAsync(string from, string to, CancellationToken cancellationToken)
    {
        var since = new UsageDecisions();
        await foreach (var entry in EntriesAsync(from, to, cancellationToken))
        {
            since.Apply(entry);
        }

        discarded.UnionWith(since.Discarded);
        discarded.UnionWith(ledger.State.Decisions.Discarded);
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
        var lookedFor = events.ToLookup(each => !shown.ContainsKey(each.Sequence) && CauseOfAbsence(each.Sequence) == Cause.Vanished);
        awaited.AddRange(lookedFor[true]);
        await CompareAsync([.. lookedFor[false]], shown, cancellationToken);
        if (awaited.Count >= MostAwaited)
        {
            await LookAgainAsync(cancellationToken);
        }
    }

    private async Task LookAgainAsync(CancellationToken cancellationToken)
    {
        if (awaited.Count == 0)
        {
            return;
        }

        await Task.Delay(SecondLook, time, cancellationToken);
        foreach (var some in awaited.Chunk(EventsAtOnce))
        {
            await CompareAsync(some, await FindAsync(some, cancellationToken), cancellationToken);
        }

        awaited.Clear();
    }

    private async Task CompareAsync(IReadOnlyList<ReceivedEvent> events, Dictionary<ulong, ShownEvent> shown, CancellationToken cancellationToken)
    {
        var stored = await payloads.ReadAsync([.. events.Select(each => each.Sequence)], cancellationToken);
        foreach (var (each, entry) in events.Zip(stored))
        {
            if (!Subjects.TryParseUsage(entry.Subject, out _, out var tenant) || InspectedUsage.Read(entry, tenant).Used is not { } used)
            {
                throw new LedgerBrokenException($"event {each.Sequence} counts in the ledger and cannot be read");
            }

            Compare(each, used, shown.GetValueOrDefault(each.Sequence));
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

    private IEnumerable<string> IdsOf(ReceivedEvent each) => ledger.State.Decisions.IdOf(each.Sequence) is { } other ? [each.Id, other] : [each.Id];

    private void Compare(ReceivedEvent each, UsageTotal used, ShownEvent? shown)
    {
        var (group, quantity) = (ReconciledGroup.Of(used), used.Quantity);
        var row = RowOf(group);
        row.Counted = row.Counted?.Plus(used) ?? used;
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
            differences.Add(new Difference(each.Sequence, each.Id, group, quantity, named, ledger.State.Decisions.IdOf(each.Sequence)));
        }
    }

    private Cause CauseOfAbsence(ulong sequence) =>
        ledger.State.Unsettled.TryGetValue(sequence, out var unsettled) ? unsettled.Phase == UnsettledPhase.Missing ? Cause.Missing : Cause.Unconfirmed
        : sequence > ledger.State.SentThrough ? Cause.Waiting
        : ledger.State.Refused.Contains(sequence) ? Cause.Refused
        : discarded.Contains(sequence) ? Cause.Discarded
        : Cause.Vanished;

    /// <summary>What turns committed, and which of it nobody has recorded yet, or the ledger has not entered.</summary>
    private async Task CompareLogAsync(string from, string to, CancellationToken cancellationToken)
    {
        await foreach (var (used, difference) in committed.ReadAsync(from, to, cancellationToken))
        {
            if (difference is null)
            {
                var row = RowOf(ReconciledGroup.Of(used));
                row.Log = row.Log.Plus(used.Quantity);
            }
            else
            {
                differences.Add(difference);
            }
        }
    }

    private ReconciledRow RowOf(ReconciledGroup group) => rows.TryGetValue(group, out var row) ? row : rows[group] = new ReconciledRow(group);
}
