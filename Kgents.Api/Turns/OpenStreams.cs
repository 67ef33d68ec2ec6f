using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>
/// Counts the streams that each tenant has open on this replica, so that one tenant cannot take all its connections. Counted under a lock, and
/// not by a rate limiter of the framework: one of those is disposed of while idle, which a request at that moment would be told as a fault.
/// </summary>
internal sealed class OpenStreams(PlanCatalog plans, IOptions<TurnStreamOptions> options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, int> open = [];

    /// <summary>
    /// Null when there is room: the place is taken, and given back when the request ends, however that is. To be asked before anything is
    /// stored, so that a request that is refused has done nothing.
    /// </summary>
    public ProblemHttpResult? Open(HttpContext context, TenantId tenant)
    {
        var limit = Math.Min(options.Value.MaxPerTenant, plans.Of(tenant).Streams is > 0 and var ofPlan ? ofPlan : int.MaxValue);
        lock (gate)
        {
            var count = open.GetValueOrDefault(tenant);
            if (count < limit)
            {
                open[tenant] = count + 1;
                context.Response.RegisterForDispose(new Place(this, tenant));
                return null;
            }
        }

        Problem.SetRetryAfter(context);
        return Problem.TooManyStreams(limit);
    }

    /// <summary>How many a tenant has open here.</summary>
    public int CountOf(TenantId tenant)
    {
        lock (gate)
        {
            return open.GetValueOrDefault(tenant);
        }
    }

    private void Close(TenantId tenant)
    {
        lock (gate)
        {
            if (--open[tenant] == 0)
            {
                open.Remove(tenant);
            }
        }
    }

    /// <summary>Disposed of once, by the server.</summary>
    private sealed class Place(OpenStreams streams, TenantId tenant) : IDisposable
    {
        public void Dispose() => streams.Close(tenant);
    }
}
