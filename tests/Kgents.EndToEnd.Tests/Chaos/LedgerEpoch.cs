using Kgents.Contracts;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>What a ledger says from one opening to the next.</summary>
internal sealed class LedgerEpoch(int partition, string reason)
{
    private readonly HashSet<ulong> settled = [];

    public int Partition => partition;

    /// <summary>For which it was begun.</summary>
    public string Reason => reason;

    public ulong Through { get; private set; }

    /// <summary>What it says of each event, by its sequence.</summary>
    public Dictionary<ulong, ReceivedEvent> Events { get; } = [];

    public Dictionary<(TenantId Tenant, string Hour, string Model, string Type), UsageTotal> Totals { get; } = [];

    public IEnumerable<ReceivedEvent> Counted => Events.Values.Where(each => each.Counts);

    /// <summary>Nothing of it is under way any more.</summary>
    public bool IsSettled => Counted.All(each => settled.Contains(each.Sequence));

    /// <summary>False when an event is entered twice.</summary>
    public bool Take(LedgerEntry entry)
    {
        switch (entry)
        {
            case LedgerOpened opened:
                settled.UnionWith(SequenceRange.All(opened.Discarded ?? []));
                break;
            case UsageReceived received:
                Through = received.To;
                foreach (var total in received.Totals)
                {
                    Totals[(total.Tenant, total.Hour, total.Model, total.Type)] = total;
                }

                return received.Events.Count(each => Events.TryAdd(each.Sequence, each)) == received.Events.Count;
            case UsageConfirmed shown:
                settled.UnionWith(SequenceRange.All(shown.Events));
                break;
            case UsageRefused never:
                settled.Add(never.Sequence);
                break;
            case UsageDiscarded given:
                settled.Add(given.Sequence);
                break;
            case UsageMissing gone:
                settled.UnionWith(SequenceRange.All(gone.Events));
                break;
            case UsageReplayed again:
                settled.Remove(again.Sequence);
                break;
            case UsageReissued again:
                settled.Remove(again.Sequence);
                break;
            case UsageReopened again:
                settled.Remove(again.Sequence);
                break;
        }

        return true;
    }
}
