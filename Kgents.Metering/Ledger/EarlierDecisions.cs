using Kgents.Contracts;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering.Ledger;

/// <summary>
/// What was decided in all of a ledger, however often it was begun anew, and though it may be broken. It is kept from one look to the next, so that later only what was added is read, unless that decides on an event that was not followed: then all is read again.
/// </summary>
internal sealed class EarlierDecisions(JetStreamReader reader)
{
    /// <summary>Events whose hashes are followed: of all that there ever were it would be too much to have.</summary>
    private readonly HashSet<ulong> about = [];
    private readonly Dictionary<ulong, string> hashes = [];
    private readonly Dictionary<ulong, string?> stored = [];
    private UsageDecisions decided = new();
    private ulong readThrough;

    /// <summary>Only what is known to be of the events that the stream has now: one that was lost and begun anew gives its sequences to others.</summary>
    /// <param name="ledger">As far as its last entry is known.</param>
    public async Task<UsageDecisions> ReadAsync(UsageLedger ledger, CancellationToken cancellationToken)
    {
        await FollowAsync(ledger, cancellationToken);
        while (!decided.Sequences.All(about.Contains))
        {
            // Of these the entries that were read had no look at the hash.
            about.UnionWith(decided.Sequences);
            hashes.Clear();
            (decided, readThrough) = (new UsageDecisions(), 0);
            await FollowAsync(ledger, cancellationToken);
        }

        foreach (var sequence in decided.Sequences.ToList())
        {
            if (await StoredHashAsync(sequence, cancellationToken) is not { } hash || hash != hashes.GetValueOrDefault(sequence))
            {
                decided.Forget(sequence);
            }
        }

        return decided;
    }

    /// <summary>In order: what was decided on an event ends where another one is entered in its place.</summary>
    private async Task FollowAsync(UsageLedger ledger, CancellationToken cancellationToken)
    {
        await foreach (var entry in ledger.ReadUncheckedAsync(readThrough + 1, cancellationToken))
        {
            foreach (var each in (entry as UsageReceived)?.Events.Where(each => about.Contains(each.Sequence)) ?? [])
            {
                if (hashes.TryGetValue(each.Sequence, out var known) && known != each.Hash)
                {
                    decided.Forget(each.Sequence);
                }

                hashes[each.Sequence] = each.Hash;
            }

            decided.Apply(entry);
        }

        readThrough = ledger.State.LastSequence;
    }

    private async Task<string?> StoredHashAsync(ulong sequence, CancellationToken cancellationToken)
    {
        if (!stored.TryGetValue(sequence, out var hash))
        {
            var found = await reader.NextAsync(Streams.Usage.Name, Subjects.AllUsage, sequence, cancellationToken);
            stored[sequence] = hash = found?.Sequence == sequence ? LedgerCodec.Hash(found.Data.Span) : null;
        }

        return hash;
    }
}
