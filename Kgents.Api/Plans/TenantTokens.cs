using Kgents.Contracts;

namespace Kgents.Api.Plans;

/// <summary>Adds up the tokens of tenants from the running totals of ledgers, of which the last one holds. When there are too many of these, the last tenants by name are left out.</summary>
internal sealed class TenantTokens
{
    private static readonly Comparer<TenantId> ByName = Comparer<TenantId>.Create((one, other) => string.CompareOrdinal(one.ToString(), other.ToString()));

    private readonly int most;
    private readonly SortedDictionary<TenantId, long?> sums;
    private readonly Dictionary<TenantId, Dictionary<(string Hour, string Model), decimal>> running = [];

    /// <summary>Those that have anything running.</summary>
    private readonly SortedSet<TenantId> counted = new(ByName);
    private int count;

    public TenantTokens(IEnumerable<TenantId> tenants, int most)
    {
        this.most = most;
        sums = new(tenants.ToDictionary(tenant => tenant, _ => (long?)0), ByName);
    }

    /// <summary>Of the tenants that were not left out; null for one that has too much alone.</summary>
    public IReadOnlyDictionary<TenantId, long?> Sums => sums;

    public void Set(UsageTotal total)
    {
        if (sums.GetValueOrDefault(total.Tenant) is null)
        {
            return;
        }

        if (!running.TryGetValue(total.Tenant, out var own))
        {
            own = running[total.Tenant] = [];
            counted.Add(total.Tenant);
        }

        count += own.TryAdd((total.Hour, total.Model), 0) ? 1 : 0;
        own[(total.Hour, total.Model)] = total.TotalTokens;
        while (count > most)
        {
            LeaveOut();
        }
    }

    /// <summary>At the end of a ledger.</summary>
    public void AddUp()
    {
        foreach (var (tenant, own) in running)
        {
            sums[tenant] += (long)own.Values.Sum();
        }

        running.Clear();
        counted.Clear();
        count = 0;
    }

    /// <summary>The last one that has anything; the first one of all stays, and is not added up then, so that every reading comes on.</summary>
    private void LeaveOut()
    {
        var tenant = counted.Max;
        count -= running[tenant].Count;
        running.Remove(tenant);
        counted.Remove(tenant);
        if (tenant == sums.Keys.First())
        {
            sums[tenant] = null;
        }
        else
        {
            sums.Remove(tenant);
        }
    }
}
