using System.Globalization;
using System.Security.Claims;
using Kgents.Api.Authentication;
using Kgents.Api.Plans;
using Kgents.Api.Problems;

namespace Kgents.Api.Limits;

/// <summary>
/// Counts each request that its caller may make, before anything else is done for it, and refuses it when a window is used up. The minute comes first: what it
/// refuses does not count in the day.
/// </summary>
internal sealed class RequestLimits(RequestDelegate next, RequestCounter counter, PlanCatalog plans, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.User.Identity?.IsAuthenticated is true && WindowsOf(context.User) is { Count: > 0 } windows)
        {
            if (await CountAsync(context, windows) is { } refusedBy)
            {
                await Problem.QuotaExceeded(refusedBy).ExecuteAsync(context);
                return;
            }
        }

        await next(context);
    }

    /// <summary>The policy that is used up; null when the request may be made. The headers say how much is left either way.</summary>
    private async Task<string?> CountAsync(HttpContext context, List<RequestWindow> windows)
    {
        var states = new List<WindowState>(windows.Count);
        foreach (var window in windows)
        {
            var now = time.GetUtcNow();
            var start = window.StartAt(now);
            var seconds = (long)Math.Ceiling((start + window.Length - now).TotalSeconds);
            var count = await counter.AddAsync(window, context.User.Tenant(), context.User.Key(), start, context.RequestAborted);
            states.Add(new WindowState(window, window.Quota - (count ?? window.Quota), seconds));
            if (count is null)
            {
                context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                WriteWhenItStarts(context.Response, states);
                return window.Policy;
            }
        }

        context.Features.Set<IReadOnlyList<WindowState>>(states);
        WriteWhenItStarts(context.Response, states);
        return null;
    }

    /// <summary>A fault clears the headers that were set before it.</summary>
    private static void WriteWhenItStarts(HttpResponse response, IReadOnlyList<WindowState> states) => response.OnStarting(() =>
    {
        RateLimitHeaders.Write(response.Headers, states);
        return Task.CompletedTask;
    });

    private List<RequestWindow> WindowsOf(ClaimsPrincipal user)
    {
        var plan = plans.Of(user.Tenant());
        var (keyMinute, keyDay) = user.KeyLimits();
        var windows = new List<RequestWindow>(4);
        AddIf(keyMinute, RequestWindow.OfKeyMinute);
        AddIf(plan.RequestsPerMinute, RequestWindow.OfTenantMinute);
        AddIf(keyDay, RequestWindow.OfKeyDay);
        AddIf(plan.RequestsPerDay, RequestWindow.OfTenantDay);
        return windows;

        void AddIf(long quota, Func<long, RequestWindow> window)
        {
            if (quota > 0)
            {
                windows.Add(window(quota));
            }
        }
    }
}
