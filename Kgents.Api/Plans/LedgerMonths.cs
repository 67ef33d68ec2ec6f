using Kgents.Api.Usage;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Plans;

/// <summary>What the ledgers have of a tenant's month.</summary>
/// <param name="Tokens">Null when it is more than can be added up.</param>
/// <param name="Through">By partition, the last event of usage that its ledger has.</param>
internal sealed record LedgerMonth(long? Tokens, IReadOnlyDictionary<int, ulong> Through);

/// <summary>
/// The billed tokens of many tenants' month, as the ledgers have them. A ledger has the last sum of each hour and model somewhere in the month, so it is read whole: once for as many tenants as fit in memory,
/// and not once for each.
/// </summary>
internal sealed class LedgerMonths(JetStreamReader reader, IOptions<NatsTopologyOptions> streams)
{
    /// <summary>Those of the tenants that fitted, one at least; the others are for the next time.</summary>
    /// <param name="mostSums">Of an hour and a model, that are in memory at once.</param>
    public async Task<IReadOnlyDictionary<TenantId, LedgerMonth>> ReadAsync(IEnumerable<TenantId> tenants, DateTimeOffset month, int mostSums, CancellationToken cancellationToken)
    {
        var query = new UsageQuery(month, month.AddMonths(1), UsageWindow.Total, [], Model: null, Session: null, Key: null);
        var tokens = new TenantTokens(tenants, mostSums);
        var through = new Dictionary<int, ulong>();
        foreach (var partition in await PartitionsAsync(cancellationToken))
        {
            var ledger = new LedgerReading(partition, reader);
            await ledger.BeginAsync(cancellationToken);
            await foreach (var range in ledger.ReadAsync(query, cancellationToken))
            {
                foreach (var total in range.Totals.Where(total => total.Type == UsageEvent.BillableType && query.Covers(total.Hour)))
                {
                    tokens.Set(total);
                }
            }

            tokens.AddUp();
            through[partition] = ledger.Through;
        }

        return tokens.Sums.ToDictionary(each => each.Key, each => new LedgerMonth(each.Value, through));
    }

    /// <summary>Those that have a ledger, and those that may have usage without one.</summary>
    private async Task<IReadOnlyCollection<int>> PartitionsAsync(CancellationToken cancellationToken)
    {
        var partitions = new SortedSet<int>(Enumerable.Range(0, streams.Value.Partitions));
        await foreach (var stored in reader.LastOfEachAsync(Streams.Ledger.Name, [Subjects.AllLedgers], cancellationToken))
        {
            if (Subjects.TryParseLedger(stored.Subject, out var partition))
            {
                partitions.Add(partition);
            }
        }

        return partitions;
    }
}
