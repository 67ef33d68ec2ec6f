using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>All sides of the bill at a time when nothing of it is under way, each read by itself.</summary>
/// <param name="Rows">What OpenMeter has, without the events by which metering tries whether it takes any: no meter counts their type.</param>
/// <param name="Compared">What <c>GET /v1/usage/reconciliation</c> says to each tenant, of each partition.</param>
internal sealed record SettledUsage(StoredLog Log, StoredLedger Ledger, IReadOnlyList<JsonElement> Rows, IReadOnlyDictionary<string, IReadOnlyList<ReconciliationRecord>> Compared)
{
    private const string ProbeType = "kgents.metering.probe.v1";

    /// <summary>What turns committed, to the byte.</summary>
    public IReadOnlyList<UsagePayload> Committed { get; } = [.. Log.Entries.Where(entry => entry.Kind == TurnEventCodec.Committed).SelectMany(entry => ((TurnCommitted)entry.Event).UsageEvents)];

    /// <summary>Usage is recorded in its own time, so what was read is taken only if nothing has come meanwhile.</summary>
    public static async Task<SettledUsage> WaitAsync(ChaosSystem system, CancellationToken cancellationToken)
    {
        while (true)
        {
            var recorded = await system.Store.ReadAsync(Streams.Usage.Name);
            var ledger = await StoredLedger.ReadAsync(system.Store);
            if (ledger.IsSettled(recorded) && await ComparedAsync(system, recorded, TimeProvider.System.GetUtcNow(), cancellationToken) is var compared)
            {
                var log = await StoredLog.ReadAsync(system.Store);
                if (log.Recorded.Count == recorded.Count)
                {
                    return new SettledUsage(log, ledger, [.. system.OpenMeter.AcceptedEvents.Where(row => row.Text("type") != ProbeType)], compared);
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            await Draws.PassAsync(TimeSpan.FromSeconds(0.5), cancellationToken);
        }
    }

    // Of an event that the ledger does not count, which is a breach of its own, a row is one of nothing that was recorded.
    private readonly Dictionary<string, string> ids = Ledger.Reissued.Join(Ledger.Counted, each => each.Value, each => each.Key, (given, own) => (given.Key, own.Value)).ToDictionary();

    /// <summary>Of the event that a row is, whatever id an operator had it sent under.</summary>
    public string IdOf(JsonElement row) => row.Text("id") is var id && ids.TryGetValue(id, out var own) ? own : id;

    /// <summary>All under which OpenMeter may have it.</summary>
    public IEnumerable<string> IdsOf(string id) => ids.Where(each => each.Value == id).Select(each => each.Key).Prepend(id);

    public static JsonElement Json(UsagePayload payload) => JsonElement.Parse(Encoding.UTF8.GetBytes(payload.Json));

    /// <summary>The first comparison that began after a time, of each partition in which a tenant has usage.</summary>
    private static async Task<IReadOnlyDictionary<string, IReadOnlyList<ReconciliationRecord>>> ComparedAsync(ChaosSystem system, IReadOnlyList<StoredMessage> recorded, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var partitions = recorded.Select(each => (Tenant: each.Subject.Split('.')[3], Partition: StoredLedger.PartitionOf(each))).Distinct().ToLookup(each => each.Tenant, each => each.Partition);
        IReadOnlyList<ChaosTenant> tenants = [system.Operator, .. system.Tenants];
        var compared = new Dictionary<string, IReadOnlyList<ReconciliationRecord>>();
        while (compared.Count < tenants.Count)
        {
            foreach (var tenant in tenants.Where(tenant => !compared.ContainsKey(tenant.Id)))
            {
                var json = JsonElement.Parse(await tenant.Http.GetStringAsync(new Uri(system.Apis[0].Address, "/v1/usage/reconciliation"), cancellationToken));
                IReadOnlyList<ReconciliationRecord> records = [.. json.GetProperty("partitions").EnumerateArray().Select(each => each.Deserialize(WireJson.Default.ReconciliationRecord)!)];
                if (partitions[tenant.Id].All(partition => records.Any(record => record.Partition == partition && record.At > since)))
                {
                    compared[tenant.Id] = records;
                }
            }

            await Draws.PassAsync(TimeSpan.FromSeconds(0.2), cancellationToken);
        }

        return compared;
    }
}
