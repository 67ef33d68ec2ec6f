using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>All sides of the bill at a time when nothing of it is under way, each read by itself.</summary>
/// <param name="Rows">What OpenMeter has, without the events by which metering tries whether it takes any: no meter counts their type.</param>
/// <param name="Compared">What <c>GET /v1/usage/reconciliation</c> says to each tenant.</param>
internal sealed record SettledUsage(StoredLog Log, StoredLedger Ledger, IReadOnlyList<JsonElement> Rows, IReadOnlyDictionary<string, ReconciliationRecord> Compared)
{
    private const string ProbeType = "kgents.metering.probe.v1";

    /// <summary>What turns committed, to the byte.</summary>
    public IReadOnlyList<UsagePayload> Committed { get; } = [.. Log.Entries.Where(entry => entry.Kind == TurnEventCodec.Committed).SelectMany(entry => ((TurnCommitted)entry.Event).UsageEvents)];

    /// <summary>Usage is recorded in its own time, so what was read is taken only if nothing has come meanwhile.</summary>
    public static async Task<SettledUsage> WaitAsync(ChaosSystem system, CancellationToken cancellationToken)
    {
        while (true)
        {
            var last = await system.Store.LastAsync(Streams.Usage.Name);
            var ledger = await StoredLedger.ReadAsync(system.Store);
            if (ledger.IsSettled(last) && await ComparedAsync(system, TimeProvider.System.GetUtcNow(), cancellationToken) is var compared)
            {
                var log = await StoredLog.ReadAsync(system.Store);
                if (await system.Store.LastAsync(Streams.Usage.Name) == last)
                {
                    return new SettledUsage(log, ledger, [.. system.OpenMeter.AcceptedEvents.Where(row => row.Text("type") != ProbeType)], compared);
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            await Draws.PassAsync(TimeSpan.FromSeconds(0.5), cancellationToken);
        }
    }

    public static JsonElement Json(UsagePayload payload) => JsonElement.Parse(Encoding.UTF8.GetBytes(payload.Json));

    /// <summary>The first comparison that began after a time.</summary>
    private static async Task<IReadOnlyDictionary<string, ReconciliationRecord>> ComparedAsync(ChaosSystem system, DateTimeOffset since, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChaosTenant> tenants = [system.Operator, .. system.Tenants];
        var compared = new Dictionary<string, ReconciliationRecord>();
        while (compared.Count < tenants.Count)
        {
            foreach (var tenant in tenants.Where(tenant => !compared.ContainsKey(tenant.Id)))
            {
                var json = JsonElement.Parse(await tenant.Http.GetStringAsync(new Uri(system.Apis[0].Address, "/v1/usage/reconciliation"), cancellationToken));
                if (json.GetProperty("partitions").EnumerateArray().Select(each => each.Deserialize(WireJson.Default.ReconciliationRecord)!).FirstOrDefault() is { } record && record.At > since)
                {
                    compared[tenant.Id] = record;
                }
            }

            await Draws.PassAsync(TimeSpan.FromSeconds(0.2), cancellationToken);
        }

        return compared;
    }
}
