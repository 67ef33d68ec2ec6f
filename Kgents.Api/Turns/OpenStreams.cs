using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Telemetry;
using Kgents.Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Turns;

/// <summary>
/// Bounds the streams that each tenant has open: on this replica, so that one tenant cannot take all its connections, and on all replicas together where its plan says so. Counted here under
/// a lock, and not by a rate limiter of the framework: one of those is disposed of while idle, which a request at that moment would be told as a fault.
/// </summary>
internal sealed class OpenStreams(PlanCatalog plans, StreamPlaces places, ApiMetrics metrics, IOptions<TurnStreamOptions> options)
{
    private readonly Lock gate = new();
    private readonly Dictionary<TenantId, int> open = [];

    /// <summary>
    /// Null when there is room: the place is taken, and given back when the request ends, however that is. To be asked before anything is
    /// stored, so that a request that is refused has done nothing.
    /// </summary>
    public async ValueTask<ProblemHttpResult?> OpenAsync(HttpContext context, TenantId tenant)
    {
        if (!TryOpenHere(tenant))
        {
            metrics.Refused("streams");
            Problem.SetRetryAfter(context);
            return Problem.TooManyStreams(options.Value.MaxPerTenant);
        }

        context.Response.RegisterForDispose(new PlaceHere(this, tenant));
        if (plans.Of(tenant).Streams is > 0 and var limit)
        {
            if (!await places.TakeAsync(tenant, limit))
            {
                metrics.Refused("streams");
                Problem.SetRetryAfter(context);
                return Problem.QuotaExceeded("streams");
            }

            context.Response.RegisterForDispose(new PlaceEverywhere(places, tenant));
        }

        return null;
    }

    /// <summary>How many a tenant has open here.</summary>
    public int CountOf(TenantId tenant)
    {
        lock (gate)
        {
            return open.GetValueOrDefault(tenant);
        }
    }

    private bool TryOpenHere(TenantId tenant)
    {
        lock (gate)
        {
            var count = open.GetValueOrDefault(tenant);
            if (count >= options.Value.MaxPerTenant)
            {
                return false;
            }

            open[tenant] = count + 1;
            return true;
        }
    }

    private void CloseHere(TenantId tenant)
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
    private sealed class PlaceHere(OpenStreams streams, TenantId tenant) : IDisposable
    {
        public void Dispose() => streams.CloseHere(tenant);
    }

    private sealed class PlaceEverywhere(StreamPlaces places, TenantId tenant) : IDisposable
    {
        public void Dispose() => places.Release(tenant);
    }
}
