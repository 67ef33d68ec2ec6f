using System.Security.Cryptography;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>The ledger as it is stored, added up by nothing of what wrote it.</summary>
internal sealed class StoredLedger
{
    private readonly HashSet<ulong> confirmed = [];
    private readonly HashSet<ulong> refused = [];
    private readonly HashSet<ulong> missing = [];

    private StoredLedger(IReadOnlyList<StoredMessage> messages)
    {
        var previous = "";
        foreach (var message in messages)
        {
            var entry = JsonSerializer.Deserialize(message.Data, WireJson.Default.LedgerEntry)!;
            if (entry.Previous != previous || entry.Number != ++Entries)
            {
                Broken.Add($"entry {entry.Number} at {message.Sequence} does not follow the one before it");
            }

            previous = Convert.ToHexStringLower(SHA256.HashData(message.Data));
            Take(entry);
        }
    }

    public int Entries { get; private set; }

    /// <summary>Where its chain does not hold.</summary>
    public List<string> Broken { get; } = [];

    public ulong Through { get; private set; }

    /// <summary>The id of each event that counts, by its sequence.</summary>
    public Dictionary<ulong, string> Counted { get; } = [];

    public Dictionary<(TenantId Tenant, string Hour, string Model, string Type), UsageTotal> Totals { get; } = [];

    /// <summary>All of the stream is entered, and nothing of it is under way any more.</summary>
    public bool IsSettled(ulong last) => Through == last && Counted.Keys.All(each => confirmed.Contains(each) || refused.Contains(each) || missing.Contains(each));

    public static async Task<StoredLedger> ReadAsync(Store store) => new(await store.ReadAsync(Streams.Ledger.Name));

    private void Take(LedgerEntry entry)
    {
        switch (entry)
        {
            case UsageReceived received:
                Through = received.To;
                foreach (var each in received.Events.Where(each => each.Counts))
                {
                    if (!Counted.TryAdd(each.Sequence, each.Id))
                    {
                        Broken.Add($"event {each.Sequence} counts twice");
                    }
                }

                foreach (var total in received.Totals)
                {
                    Totals[(total.Tenant, total.Hour, total.Model, total.Type)] = total;
                }

                break;
            case UsageConfirmed shown:
                confirmed.UnionWith(SequenceRange.All(shown.Events));
                break;
            case UsageRefused never:
                refused.Add(never.Sequence);
                break;
            case UsageMissing gone:
                missing.UnionWith(SequenceRange.All(gone.Events));
                break;
        }
    }
}
