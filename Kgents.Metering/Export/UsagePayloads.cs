using System.Text;
using System.Text.Json.Nodes;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Export;

/// <summary>The bytes of usage events, from their stream: they are the only copy, and every send has the same ones.</summary>
internal sealed class UsagePayloads(JetStreamReader reader)
{
    /// <summary>Below this a message each is less than a batch that reads on beyond the end.</summary>
    private const int WorthABatch = 16;

    /// <summary>In the order of the sequences, which must be ascending.</summary>
    /// <exception cref="LedgerBrokenException">One is gone.</exception>
    public async Task<IReadOnlyList<StoredEntry>> ReadAsync(IReadOnlyCollection<ulong> sequences, CancellationToken cancellationToken)
    {
        var read = new List<StoredEntry>(sequences.Count);
        foreach (var range in SequenceRange.Of(sequences))
        {
            var next = range.From;
            if (range.To - range.From >= WorthABatch)
            {
                await foreach (var stored in reader.ReadAsync(Streams.Usage.Name, Subjects.AllUsage, range.From, 0, cancellationToken))
                {
                    if (stored.Sequence != next || next > range.To)
                    {
                        break;
                    }

                    read.Add(stored);
                    next++;
                }
            }

            // What a replica of the stream that is behind does not have yet, its leader has.
            for (; next <= range.To; next++)
            {
                var stored = await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, next, cancellationToken);
                read.Add(stored?.Sequence == next ? stored : throw new LedgerBrokenException($"usage event {next} is in the ledger and not in {Streams.Usage.Name}"));
            }
        }

        return read;
    }

    /// <summary>The id as OpenMeter sees it.</summary>
    public static string IdOf(StoredEntry stored) => JsonNode.Parse(stored.Data.Span)!["id"]!.GetValue<string>();

    /// <summary>The same event under another id.</summary>
    public static ReadOnlyMemory<byte> WithId(ReadOnlyMemory<byte> payload, string id)
    {
        var usage = JsonNode.Parse(payload.Span)!;
        usage["id"] = id;
        return Encoding.UTF8.GetBytes(usage.ToJsonString());
    }
}
