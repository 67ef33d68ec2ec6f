using System.Runtime.InteropServices;
using Kgents.Contracts;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Metering;

/// <summary>Requests that are counted together: never of two hours, since usage is added up by the hour.</summary>
internal readonly record struct CountedAs(TenantId Tenant, ApiKeyId Key, string Operation, long Hour);

/// <summary>How many there were, and when the last one was.</summary>
internal readonly record struct RequestCount(long Requests, DateTimeOffset Last);

/// <summary>Counts requests in memory until they are taken to be recorded. One more costs no allocation and no hop.</summary>
internal sealed class RequestCounts(IOptions<RequestMeteringOptions> options, TimeProvider time)
{
    private readonly Lock gate = new();
    private Dictionary<CountedAs, RequestCount> counts = [];
    private long notCounted;

    public void Add(TenantId tenant, ApiKeyId key, string operation)
    {
        var now = time.GetUtcNow();
        var counted = new CountedAs(tenant, key, operation, now.UtcTicks / TimeSpan.TicksPerHour);
        lock (gate)
        {
            if (counts.Count >= options.Value.MaxCounts && !counts.ContainsKey(counted))
            {
                notCounted++;
                return;
            }

            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(counts, counted, out _);
            count = new RequestCount(count.Requests + 1, now);
        }
    }

    /// <summary>All that was counted since the last time, and how many requests were not.</summary>
    public (IReadOnlyDictionary<CountedAs, RequestCount> Counts, long NotCounted) Take()
    {
        lock (gate)
        {
            var taken = (counts, notCounted);
            (counts, notCounted) = ([], 0);
            return taken;
        }
    }
}
