using System.Globalization;
using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Plans;
using Kgents.Api.Problems;
using Kgents.Api.Telemetry;

namespace Kgents.Api.Limits;

/// <summary>
/// Counts each request that its caller may make, before anything else is done for it, and refuses it when a limit is used up. The minute comes first: what it
/// refuses does not count in the day. What a day that is known to be used up refuses counts nowhere.
/// </summary>
internal sealed class RequestLimits(RequestDelegate next, RequestBuckets buckets, RequestCounter counter, PlanCatalog plans, ApiMetrics metrics)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.User.Identity?.IsAuthenticated is true && LimitsOf(context.User) is { Count: > 0 } limits)
        {
            var states = await CountAsync(context, limits);
            WriteWhenItStarts(context.Response, states);
            if (states[^1] is { Wait: { } wait } refusedBy)
            {
                metrics.Refused(refusedBy.Limit.Policy);
                context.Response.Headers.RetryAfter = RateLimitHeaders.Seconds(wait).ToString(CultureInfo.InvariantCulture);
                await Problem.QuotaExceeded(refusedBy.Limit.Policy).ExecuteAsync(context);
                return;
            }
        }

        await next(context);
    }

    /// <summary>How each limit stands, up to the one that refuses.</summary>
    private async Task<IReadOnlyList<LimitState>> CountAsync(HttpContext context, List<RequestLimit> limits)
    {
        var (tenant, key) = (context.User.Tenant(), context.User.Key());
        if (limits.Where(limit => !limit.IsBucket).Select(limit => counter.UsedUp(limit, tenant, key)).FirstOrDefault(state => state is not null) is { } usedUp)
        {
            return [usedUp];
        }

        var states = new List<LimitState>(limits.Count);
        foreach (var limit in limits)
        {
            states.Add(limit.IsBucket ? await buckets.TakeAsync(limit, tenant, key) : await counter.AddAsync(limit, tenant, key, context.RequestAborted));
            if (states[^1].IsRefused)
            {
                break;
            }
        }

        context.Features.Set<IReadOnlyList<LimitState>>(states);
        return states;
    }

    /// <summary>A fault clears the headers that were set before it.</summary>
    private static void WriteWhenItStarts(HttpResponse response, IReadOnlyList<LimitState> states) => response.OnStarting(() =>
    {
        RateLimitHeaders.Write(response.Headers, states);
        return Task.CompletedTask;
    });

    private List<RequestLimit> LimitsOf(ClaimsPrincipal user)
    {
        var plan = plans.Of(user.Tenant());
        var (keyMinute, keyDay) = user.KeyLimits();
        var limits = new List<RequestLimit>(4);
        AddIf(keyMinute, RequestLimit.OfKeyMinute);
        AddIf(plan.RequestsPerMinute, RequestLimit.OfTenantMinute);
        AddIf(keyDay, RequestLimit.OfKeyDay);
        AddIf(plan.RequestsPerDay, RequestLimit.OfTenantDay);
        return limits;

        void AddIf(long quota, Func<long, RequestLimit> limit)
        {
            if (quota > 0)
            {
                limits.Add(limit(quota));
            }
        }
    }
}
