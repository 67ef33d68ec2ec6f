using System.Runtime.CompilerServices;
using System.Text;
using Kgents.Contracts;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Reconcile;

/// <summary>
/// What turns committed, by the token log, entry by entry: in memory are the pages of the ledger that are asked for, as many as a replica has, and so many committed events at a time of which the ledger has nothing.
/// </summary>
internal sealed class CommittedUsage(UsageLedger ledger, HourPages pages, JetStreamReader reader, TimeSpan recordedWithin)
{
    /// <summary>Events that are looked for in KGENTS_USAGE at once.</summary>
    private const int MostPending = 10_000;

    /// <summary>The log is read by the clock of NATS, and an event has that of its worker: by as much they may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    private readonly Dictionary<string, Pending> pending = new(StringComparer.Ordinal);

    private sealed record Pending(TurnAddress Turn, UsageTotal Used, DateTimeOffset At);

    /// <summary>Entries of the log that were read.</summary>
    public long EntriesRead { get; private set; }

    /// <summary>Since when there is a log; null for none.</summary>
    public async Task<DateTimeOffset?> BeginsAtAsync(CancellationToken cancellationToken) =>
        (await reader.ReadAsync(Streams.Tokens.Name, Subjects.PartitionTokens(ledger.Partition), 1, 0, cancellationToken, batch: 1).FirstOrDefaultAsync(cancellationToken))?.Time;

    /// <summary>Each committed event of these hours, once alone, and once more with why the ledger does not have it.</summary>
    public async IAsyncEnumerable<(UsageTotal Used, Difference? Difference)> ReadAsync(string from, string to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in reader.ReadSinceAsync(Streams.Tokens.Name, Subjects.PartitionTokens(ledger.Partition), UsageHour.Start(from) - Skew, cancellationToken))
        {
            EntriesRead++;
            if (entry.Header(TurnHeaders.Event) != TurnEventCodec.Committed || !Subjects.TryParseTokens(entry.Subject, out var turn)
                || !TurnEventCodec.TryDecode(TurnEventCodec.Committed, entry.Data.Span, out var decoded) || decoded is not TurnCommitted commit)
            {
                continue;
            }

            foreach (var bytes in commit.UsageEvents.Select(payload => Encoding.UTF8.GetBytes(payload.Json)))
            {
                if (InspectedUsage.Read(bytes, turn.Tenant, entry.Time) is { Used: { } used } usage && string.CompareOrdinal(used.Hour, from) >= 0 && string.CompareOrdinal(used.Hour, to) < 0)
                {
                    yield return (used, null);
                    switch (await pages.HasAsync(usage.Id, LedgerCodec.Hash(bytes), used.Hour, cancellationToken))
                    {
                        case null:
                            pending[usage.Id] = new Pending(turn, used, entry.Time);
                            break;
                        case false:
                            yield return (used, Explain(usage.Id, used, 0, Cause.Conflicting));
                            break;
                    }
                }
            }

            if (pending.Count >= MostPending)
            {
                await foreach (var each in ExplainAsync(cancellationToken))
                {
                    yield return each;
                }
            }
        }

        await foreach (var each in ExplainAsync(cancellationToken))
        {
            yield return each;
        }
    }

    /// <summary>Those that were recorded since the ledger was read are on their way, and the others were not recorded yet, or never will be. Each tenant's usage is read once for all of its events.</summary>
    private async IAsyncEnumerable<(UsageTotal Used, Difference? Difference)> ExplainAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var session in pending.Values.Select(each => each.Turn).DistinctBy(turn => turn.Tenant).ToList())
        {
            await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.Usage(session.Tenant, session.Session), ledger.State.ReceivedThrough + 1, 0, cancellationToken))
            {
                var id = InspectedUsage.Read(stored.Data, session.Tenant, stored.Time).Id;
                if (pending.Remove(id, out var recorded))
                {
                    yield return (recorded.Used, Explain(id, recorded.Used, stored.Sequence, Cause.Waiting));
                }
            }
        }

        // The log's own time, which its entries have too.
        var expected = pending.Count > 0 ? await reader.TimeAsync(Streams.Tokens.Name, cancellationToken) - recordedWithin : default;
        foreach (var (id, each) in pending)
        {
            yield return (each.Used, Explain(id, each.Used, 0, each.At < expected ? Cause.Unrecorded : Cause.NotRecorded));
        }

        pending.Clear();
    }

    private static Difference Explain(string id, UsageTotal used, ulong sequence, Cause cause) => new(sequence, id, ReconciledGroup.Of(used), used.Quantity, cause);
}
