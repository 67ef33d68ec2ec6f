using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;

namespace Kgents.Metering.Reconcile;

/// <summary>What differs in a group, for one cause.</summary>
internal sealed record DifferenceSum(ReconciledGroup Group, Cause Cause, long Events, decimal Quantity);

/// <summary>
/// The events on which the sides differ. All are counted, by group and cause; only the first of each tenant are kept, and only so many in all, so that an OpenMeter that has lost everything costs little more memory than one that has not.
/// </summary>
internal sealed class ReconciledDifferences
{
    /// <summary>Of a tenant's, of each cause.</summary>
    public const int MostKept = 500;

    /// <summary>Of all together, but for one of each tenant and cause, which is kept in any case.</summary>
    public const int MostKeptInAll = 20_000;

    private readonly Dictionary<(ReconciledGroup Group, Cause Cause), DifferenceSum> sums = [];
    private readonly Dictionary<(TenantId Tenant, Cause Cause), List<Difference>> kept = [];
    private readonly Dictionary<ReconciledGroup, UInt128> marks = [];
    private int keptInAll;

    public ReconciledDifferences(params IEnumerable<Difference> found)
    {
        foreach (var each in found)
        {
            Add(each);
        }
    }

    public long Count => sums.Values.Sum(sum => sum.Events);

    /// <summary>Those that do not mend themselves.</summary>
    public long Lasting => sums.Values.Where(sum => !Reconciliation.IsUnderWay(sum.Cause)).Sum(sum => sum.Events);

    /// <summary>Of all that were found.</summary>
    public IReadOnlyCollection<DifferenceSum> Sums => sums.Values;

    /// <summary>The first that were found of each tenant and cause, by turns: who takes some has some of each.</summary>
    public IEnumerable<Difference> Kept => kept.Values.SelectMany(each => each.Index()).OrderBy(each => each.Index).Select(each => each.Item);

    public long CountOf(TenantId tenant) => sums.Values.Where(sum => sum.Group.Tenant == tenant).Sum(sum => sum.Events);

    public long CountOf(Cause cause) => sums.Values.Where(sum => sum.Cause == cause).Sum(sum => sum.Events);

    /// <summary>Those of a tenant that are kept, the ones that do not mend themselves first.</summary>
    public IEnumerable<Difference> KeptOf(TenantId tenant) => kept.Where(each => each.Key.Tenant == tenant).OrderBy(each => Reconciliation.IsUnderWay(each.Key.Cause)).SelectMany(each => each.Value);

    /// <summary>The same while the same events of the group differ lastingly for the same causes, in whatever order they were found.</summary>
    public string MarkOf(ReconciledGroup group) => $"{marks.GetValueOrDefault(group):x32}";

    public void Add(Difference found)
    {
        var key = (found.Group, found.Cause);
        sums[key] = sums.TryGetValue(key, out var sum) ? sum with { Events = sum.Events + 1, Quantity = sum.Quantity + found.Quantity } : new DifferenceSum(found.Group, found.Cause, 1, found.Quantity);
        if (!Reconciliation.IsUnderWay(found.Cause))
        {
            marks[found.Group] = unchecked(marks.GetValueOrDefault(found.Group) + BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{found.Id} {found.Cause}"))));
        }

        var list = kept.TryGetValue((found.Group.Tenant, found.Cause), out var known) ? known : kept[(found.Group.Tenant, found.Cause)] = [];
        if (list.Count == 0 || (list.Count < MostKept && keptInAll < MostKeptInAll))
        {
            list.Add(found);
            keptInAll++;
        }
    }
}
