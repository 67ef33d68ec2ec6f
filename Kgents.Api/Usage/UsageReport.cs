using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Usage;

/// <summary>
/// What a tenant has used, as the ledger says: which events count is the ledger's decision, and its totals are what is billed. Only of which session and key an event is, is
/// read from the event itself.
/// </summary>
internal sealed class UsageReport(JetStreamReader reader, IOptions<UsageOptions> options)
{
    /// <summary>Hours, models and types that may be in memory until they are added up.</summary>
    private const int MostTotals = 200_000;

    private readonly int mostRows = options.Value.MaxRows;

    /// <summary>Null when it would be more than an answer may have.</summary>
    public async Task<UsageResponse?> ReadAsync(TenantId tenant, UsageQuery query, CancellationToken cancellationToken)
    {
        var asOf = await reader.TimeAsync(Streams.Usage.Name, cancellationToken);
        var isBehind = false;
        var through = new List<UsageThrough>();
        var sums = new UsageSums(query);
        foreach (var partition in await PartitionsAsync(tenant, cancellationToken))
        {
            var ledger = new LedgerReading(partition, reader);
            await ledger.BeginAsync(cancellationToken);
            if (!await (query.NeedsEvents ? AddEventsAsync(tenant, query, ledger, sums, cancellationToken) : AddTotalsAsync(tenant, query, ledger, sums, cancellationToken)))
            {
                return null;
            }

            through.Add(new UsageThrough(partition, ledger.Through.ToString(CultureInfo.InvariantCulture)));
            if (await reader.NextAsync(Streams.Usage.Name, Subjects.PartitionUsage(tenant, partition), ledger.Through + 1, cancellationToken) is { } next)
            {
                isBehind = true;
                asOf = next.Time < asOf ? next.Time : asOf;
            }
        }

        return new UsageResponse(query.From, query.To, query.Window, query.GroupBy, asOf, isBehind, through, sums.Rows());
    }

    private async Task<bool> AddTotalsAsync(TenantId tenant, UsageQuery query, LedgerReading ledger, UsageSums sums, CancellationToken cancellationToken)
    {
        var totals = new Dictionary<(string Hour, string Model, string Type), UsageTotal>();
        await foreach (var range in ledger.ReadAsync(query, cancellationToken))
        {
            foreach (var total in range.Totals.Where(total => total.Tenant == tenant && query.Covers(total.Hour)))
            {
                totals[(total.Hour, total.Model, total.Type)] = total;
            }

            if (totals.Count > MostTotals)
            {
                return false;
            }
        }

        foreach (var total in totals.Values)
        {
            sums.Add(total, session: null, key: null);
        }

        return sums.Count <= mostRows;
    }

    private async Task<bool> AddEventsAsync(TenantId tenant, UsageQuery query, LedgerReading ledger, UsageSums sums, CancellationToken cancellationToken)
    {
        await foreach (var range in ledger.ReadAsync(query, cancellationToken))
        {
            if (!range.Totals.Any(total => total.Tenant == tenant && query.Covers(total.Hour)))
            {
                continue;
            }

            var counted = range.Events.Where(each => each.Counts && query.Covers(each.Hour)).Select(each => each.Sequence).ToHashSet();
            await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.PartitionUsage(tenant, ledger.Partition), range.From, range.To, cancellationToken, batch: range.Events.Count))
            {
                if (stored.Sequence > range.To)
                {
                    break;
                }

                if (counted.Contains(stored.Sequence))
                {
                    var used = InspectedUsage.Read(stored, tenant).Used ?? throw new LedgerBrokenException($"it counts event {stored.Sequence}, which cannot be billed");
                    var (session, key) = WhoseIs(stored);
                    if ((query.Session is null || session == query.Session.ToString()) && (query.Key is null || key == query.Key.ToString()))
                    {
                        sums.Add(used, session, key);
                    }
                }
            }

            if (sums.Count > mostRows)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Those that have a ledger, and those in which the tenant has usage: one without a ledger is behind.</summary>
    private async Task<IReadOnlyCollection<int>> PartitionsAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var partitions = new SortedSet<int>();
        await foreach (var stored in reader.LastOfEachAsync(Streams.Ledger.Name, [Subjects.AllLedgers], cancellationToken))
        {
            if (Subjects.TryParseLedger(stored.Subject, out var partition))
            {
                partitions.Add(partition);
            }
        }

        await foreach (var stored in reader.LastOfEachAsync(Streams.Usage.Name, [Subjects.TenantUsage(tenant)], cancellationToken))
        {
            if (Subjects.TryParseUsage(stored.Subject, out var partition, out _))
            {
                partitions.Add(partition);
            }
        }

        return partitions;
    }

    /// <summary>Empty where the event does not say.</summary>
    private static (string Session, string Key) WhoseIs(StoredEntry stored)
    {
        using var usage = JsonDocument.Parse(stored.Data);
        var data = usage.RootElement.GetProperty("data");
        return (Text("session_id"), Text("key_id"));

        string Text(string name) => data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }
}
