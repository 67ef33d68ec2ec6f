using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Kgents.Contracts;

namespace Kgents.Metering.Ledger;

/// <summary>The events of one hour: which ids there are, with the hash of what each stands for, and what they add up to.</summary>
internal sealed class HourPage(string hour)
{
    private readonly Dictionary<UInt128, ulong> hashes = [];
    private readonly Dictionary<(TenantId Tenant, string Model, string Type), UsageTotal> totals = [];

    public string Hour => hour;

    public int Events => hashes.Count;

    public IReadOnlyCollection<UsageTotal> Totals => totals.Values;

    /// <summary>True or false: it is this event, or another one under its id. Null: there is none.</summary>
    public bool? Has(string id, string hash) => hashes.TryGetValue(Key(id), out var known) ? known == Short(hash) : null;

    public void Add(string id, string hash) => hashes[Key(id)] = Short(hash);

    /// <summary>Adds to a total, and returns what it is now.</summary>
    public UsageTotal Add(UsageTotal used)
    {
        var key = (used.Tenant, used.Model, used.Type);
        return totals[key] = totals.TryGetValue(key, out var known) ? known.Plus(used) : used;
    }

    /// <summary>Takes over what a range says of this hour.</summary>
    public void Read(UsageReceived received)
    {
        foreach (var each in received.Events)
        {
            if (each.Counts && each.Hour == hour)
            {
                Add(each.Id, each.Hash);
            }
        }

        foreach (var total in received.Totals)
        {
            if (total.Hour == hour)
            {
                totals[(total.Tenant, total.Model, total.Type)] = total;
            }
        }
    }

    /// <summary>128 bits of a hash in place of the id: less memory, and no two ids share them.</summary>
    private static UInt128 Key(string id) => BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(id)));

    private static ulong Short(string hash) => BinaryPrimitives.ReadUInt64BigEndian(Convert.FromHexString(hash.AsSpan(0, 16)));
}
