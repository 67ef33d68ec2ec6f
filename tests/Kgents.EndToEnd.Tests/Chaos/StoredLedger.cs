using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>The ledger as it is stored, added up by nothing of what wrote it.</summary>
internal sealed class StoredLedger
{
    private readonly HashSet<ulong> settled = [];
    private readonly Dictionary<int, ulong> through = [];

    private StoredLedger(IReadOnlyList<StoredMessage> messages)
    {
        foreach (var ledger in messages.GroupBy(message => message.Subject))
        {
            var (previous, number, partition) = ("", 0, int.Parse(ledger.Key.Split('.')[^1], CultureInfo.InvariantCulture));
            foreach (var message in ledger)
            {
                var entry = JsonSerializer.Deserialize(message.Data, WireJson.Default.LedgerEntry)!;
                if (entry.Previous != previous || entry.Number != ++number)
                {
                    Broken.Add($"entry {entry.Number} of {ledger.Key} at {message.Sequence} does not follow the one before it");
                }

                previous = Convert.ToHexStringLower(SHA256.HashData(message.Data));
                Take(partition, entry);
            }
        }

        Entries = messages.Count;
    }

    /// <summary>Of all partitions.</summary>
    public int Entries { get; }

    /// <summary>Where its chain does not hold.</summary>
    public List<string> Broken { get; } = [];

    public List<UsageReplayed> Replayed { get; } = [];

    public List<UsageDiscarded> Discarded { get; } = [];

    /// <summary>The id of each event that counts, by its sequence.</summary>
    public Dictionary<ulong, string> Counted { get; } = [];

    public Dictionary<(int Partition, TenantId Tenant, string Hour, string Model, string Type), UsageTotal> Totals { get; } = [];

    /// <summary>All of the stream is entered, and nothing of it is under way any more.</summary>
    public bool IsSettled(IReadOnlyList<StoredMessage> recorded) =>
        recorded.GroupBy(PartitionOf).All(partition => through.GetValueOrDefault(partition.Key) >= partition.Last().Sequence) && Counted.Keys.All(settled.Contains);

    public static int PartitionOf(StoredMessage usage) => int.Parse(usage.Subject.Split('.')[2], CultureInfo.InvariantCulture);

    public static async Task<StoredLedger> ReadAsync(Store store) => new(await store.ReadAsync(Streams.Ledger.Name));

    private void Take(int partition, LedgerEntry entry)
    {
        switch (entry)
        {
            case UsageReceived received:
                through[partition] = received.To;
                foreach (var each in received.Events.Where(each => each.Counts))
                {
                    if (!Counted.TryAdd(each.Sequence, each.Id))
                    {
                        Broken.Add($"event {each.Sequence} counts twice");
                    }
                }

                foreach (var total in received.Totals)
                {
                    Totals[(partition, total.Tenant, total.Hour, total.Model, total.Type)] = total;
                }

                break;
            case UsageConfirmed shown:
                settled.UnionWith(SequenceRange.All(shown.Events));
                break;
            case UsageRefused never:
                settled.Add(never.Sequence);
                break;
            case UsageMissing gone:
                settled.UnionWith(SequenceRange.All(gone.Events));
                break;
            case UsageReplayed again:
                Replayed.Add(again);
                settled.Remove(again.Sequence);
                break;
            case UsageDiscarded given:
                Discarded.Add(given);
                settled.Add(given.Sequence);
                break;
        }
    }
}
