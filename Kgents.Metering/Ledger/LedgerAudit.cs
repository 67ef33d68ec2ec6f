using Kgents.Contracts;
using Kgents.Metering.Corrections;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Ledger;

/// <summary>
/// Reads the ledger, from where it was opened last, and all of KGENTS_USAGE beside it, and works out anew what the ledger should say. It uses
/// nothing of what the ledger says itself, but the ranges and the instants at which they were entered.
/// </summary>
internal sealed class LedgerAudit(UsageLedger ledger, JetStreamReader reader)
{
    private const int MostDifferences = 20;

    private readonly CorrectionChain corrections = new(reader);
    private readonly Dictionary<string, string> hashes = [];
    private readonly Dictionary<(TenantId Tenant, string Hour, string Model, string Type), UsageTotal> expected = [];
    private readonly Dictionary<(TenantId Tenant, string Hour, string Model, string Type), UsageTotal> entered = [];
    private readonly List<string> differences = [];

    public long Entries { get; private set; }

    public long Events { get; private set; }

    /// <summary>Empty when the ledger says what the events say.</summary>
    public IReadOnlyList<string> Differences => differences;

    public IReadOnlyCollection<UsageTotal> Totals => expected.Values;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var (entry, _, _) in ledger.ReadAsync(await ledger.LastOpeningAsync(cancellationToken), 0, cancellationToken))
        {
            Entries++;
            if (entry is UsageReceived received)
            {
                await CompareAsync(received, cancellationToken);
            }
        }

        foreach (var (key, total) in expected)
        {
            if (entered.GetValueOrDefault(key) != total)
            {
                Differ($"the total of {key.Tenant}, {key.Hour}, {key.Model} is {entered.GetValueOrDefault(key)} in the ledger and {total} by the events");
            }
        }
    }

    private async Task CompareAsync(UsageReceived received, CancellationToken cancellationToken)
    {
        var listed = received.Events.ToDictionary(each => each.Sequence);
        await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, received.From, received.To, cancellationToken))
        {
            if (stored.Sequence > received.To)
            {
                break;
            }

            if (Subjects.TryParseUsage(stored.Subject, out var partition, out var tenant) && partition == ledger.Partition)
            {
                Events++;
                await CompareAsync(stored, tenant, listed.GetValueOrDefault(stored.Sequence), cancellationToken);
                listed.Remove(stored.Sequence);
            }
        }

        foreach (var sequence in listed.Keys)
        {
            Differ($"event {sequence} is in the ledger and not in {Streams.Usage.Name}");
        }

        foreach (var total in received.Totals)
        {
            entered[(total.Tenant, total.Hour, total.Model, total.Type)] = total;
        }
    }

    private async Task CompareAsync(StoredEntry stored, TenantId tenant, ReceivedEvent? listed, CancellationToken cancellationToken)
    {
        var hash = LedgerCodec.Hash(stored.Data.Span);
        var usage = InspectedUsage.Read(stored, tenant);
        var state = usage.Used is null ? ReceivedEvent.Quarantined
            : !hashes.TryGetValue(usage.Id, out var known) ? usage.Corrects is null || await corrections.FindProblemAsync(stored, usage, Counts, cancellationToken) is null ? null : ReceivedEvent.Quarantined
            : known == hash ? ReceivedEvent.Duplicate : ReceivedEvent.Quarantined;
        if (listed is null || listed.Hash != hash || listed.State != state)
        {
            Differ($"event {stored.Sequence} is {listed?.State ?? (listed is null ? "not in the ledger" : "counted")} and should be {state ?? "counted"}{(listed is not null && listed.Hash != hash ? ", with other bytes" : "")}");
        }

        if (state is null)
        {
            hashes[usage.Id] = hash;
            var key = (tenant, usage.Used!.Hour, usage.Used.Model, usage.Used.Type);
            expected[key] = expected.TryGetValue(key, out var total) ? total.Plus(usage.Used) : usage.Used;
        }
    }

    private Task<bool> Counts(StoredEntry stored, InspectedUsage usage) => Task.FromResult(hashes.TryGetValue(usage.Id, out var hash) && hash == LedgerCodec.Hash(stored.Data.Span));

    private void Differ(string what)
    {
        if (differences.Count < MostDifferences)
        {
            differences.Add(what);
        }
    }
}
