using Kgents.Api.Authentication;
using Kgents.Api.Keys;
using Kgents.Api.Messages;
using Kgents.Api.OpenApi;

namespace Kgents.Api.Metering;

/// <summary>
/// Counts each request of a caller that is answered with a 2xx, when its answer begins; of every endpoint that asks for a key, so that a new one has it. Not counted are
/// an answer that is given again under an idempotency key, since it was before, and a look at one's own usage, which would change with every look.
/// </summary>
internal sealed class RequestMeter
{
    private readonly RequestDelegate next;
    private readonly RequestCounts counts;
    private readonly Func<object, Task> count;

    public RequestMeter(RequestDelegate next, RequestCounts counts)
    {
        (this.next, this.counts) = (next, counts);

        // One for all requests.
        count = Count;
    }

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<RequiredScope>() is { Name: not Scopes.Billing } && context.User.Identity?.IsAuthenticated is true)
        {
            context.Response.OnStarting(count, context);
        }

        return next(context);
    }

    private Task Count(object state)
    {
        var context = (HttpContext)state;
        if (context.Response.StatusCode is >= 200 and < 300 && !context.Response.Headers.ContainsKey(Replayed.Header))
        {
            counts.Add(context.User.Tenant(), context.User.Key(), context.GetEndpoint()!.Metadata.GetRequiredMetadata<Operation>().Id);
        }

        return Task.CompletedTask;
    }
}
