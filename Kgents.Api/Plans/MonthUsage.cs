using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Api.Plans;

/// <summary>What a turn used.</summary>
internal readonly record struct RecordedTokens(string Turn, long Tokens);

/// <summary>The billed tokens of a tenant's month that were recorded since the ledgers were read.</summary>
internal sealed class MonthUsage(JetStreamReader reader)
{
    /// <summary>What came after the ledgers, up to a sequence.</summary>
    public async Task<IReadOnlyList<RecordedTokens>> ReadSinceAsync(TenantId tenant, DateTimeOffset month, LedgerMonth ledger, ulong last, CancellationToken cancellationToken)
    {
        var (from, to) = (UsageHour.Of(month), UsageHour.Of(month.AddMonths(1)));
        var found = new List<RecordedTokens>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (partition, through) in ledger.Through)
        {
            await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.Usage(tenant, partition), through + 1, last, cancellationToken))
            {
                if (stored.Sequence > last)
                {
                    break;
                }

                if (InspectedUsage.Read(stored.Data, tenant, stored.Time) is { Used: { Type: UsageEvent.BillableType } used } inspected
                    && string.CompareOrdinal(used.Hour, from) >= 0 && string.CompareOrdinal(used.Hour, to) < 0 && ids.Add(inspected.Id))
                {
                    found.Add(new RecordedTokens(TurnOf(stored), (long)used.TotalTokens));
                }
            }
        }

        return found;
    }

    private static string TurnOf(StoredEntry stored)
    {
        using var usage = JsonDocument.Parse(stored.Data);
        return usage.RootElement.GetProperty("data").TryGetProperty("turn_id", out var turn) && turn.ValueKind == JsonValueKind.String ? turn.GetString()! : "";
    }
}
