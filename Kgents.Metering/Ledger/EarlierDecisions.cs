using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Ledger;

/// <summary>What was decided in all of a ledger, however often it was begun anew, and though it may be broken.</summary>
internal static class EarlierDecisions
{
    /// <summary>Only what is known to be of the events that the stream has now: one that was lost and begun anew gives its sequences to others.</summary>
    public static async Task<UsageDecisions> ReadDecisionsAsync(this UsageLedger ledger, JetStreamReader reader, CancellationToken cancellationToken)
    {
        var decided = new UsageDecisions();
        await foreach (var entry in ledger.ReadUncheckedAsync(cancellationToken))
        {
            decided.Apply(entry);
        }

        var about = decided.Sequences.ToHashSet();
        var hashes = new Dictionary<ulong, string>();
        await foreach (var received in ledger.ReadUncheckedAsync(cancellationToken).OfType<UsageReceived>())
        {
            foreach (var each in received.Events.Where(each => about.Contains(each.Sequence)))
            {
                hashes[each.Sequence] = each.Hash;
            }
        }

        foreach (var sequence in about)
        {
            var stored = await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, sequence, cancellationToken);
            if (stored?.Sequence != sequence || LedgerCodec.Hash(stored.Data.Span) != hashes.GetValueOrDefault(sequence))
            {
                decided.Forget(sequence);
            }
        }

        return decided;
    }
}
