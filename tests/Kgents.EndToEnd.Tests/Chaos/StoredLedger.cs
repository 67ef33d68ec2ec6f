using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Systems;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>The ledger as it is stored, added up by nothing of what wrote it.</summary>
internal sealed class StoredLedger
{
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
                All.Add(entry);
                if (entry is LedgerOpened opened)
                {
                    Earlier.AddRange(Last.TryGetValue(partition, out var before) ? [before] : []);
                    Last[partition] = new LedgerEpoch(partition, opened.Reason);
                }

                if (!Last.TryGetValue(partition, out var last))
                {
                    Broken.Add($"entry {entry.Number} of {ledger.Key} at {message.Sequence} comes before the ledger was begun");
                }
                else if (!last.Take(entry))
                {
                    Broken.Add($"entry {entry.Number} of {ledger.Key} at {message.Sequence} has an event that was entered before");
                }
            }
        }
    }

    /// <summary>Of all partitions.</summary>
    public List<LedgerEntry> All { get; } = [];

    /// <summary>Where its chain does not hold.</summary>
    public List<string> Broken { get; } = [];

    /// <summary>Of each partition what holds.</summary>
    public Dictionary<int, LedgerEpoch> Last { get; } = [];

    /// <summary>What held before a ledger was begun anew.</summary>
    public List<LedgerEpoch> Earlier { get; } = [];

    /// <summary>The id of each event that counts, by its sequence.</summary>
    public IReadOnlyDictionary<ulong, string> Counted => Last.Values.SelectMany(each => each.Counted).ToDictionary(each => each.Sequence, each => each.Id);

    public IEnumerable<UsageTotal> Totals => Last.Values.SelectMany(each => each.Totals.Values);

    /// <summary>The event that was sent under it, by an id that an operator gave it.</summary>
    public IReadOnlyDictionary<string, ulong> Reissued => All.OfType<UsageReissued>().DistinctBy(each => each.Id).ToDictionary(each => each.Id, each => each.Sequence);

    /// <summary>All of the stream is entered, and nothing of it is under way any more.</summary>
    public bool IsSettled(IReadOnlyList<StoredMessage> recorded) =>
        recorded.GroupBy(PartitionOf).All(partition => Last.TryGetValue(partition.Key, out var last) && last.Through >= partition.Last().Sequence) && Last.Values.All(each => each.IsSettled);

    public static int PartitionOf(StoredMessage usage) => int.Parse(usage.Subject.Split('.')[2], CultureInfo.InvariantCulture);

    public static async Task<StoredLedger> ReadAsync(Store store) => new(await store.ReadAsync(Streams.Ledger.Name));
}
