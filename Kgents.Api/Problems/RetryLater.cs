using System.Globalization;

namespace Kgents.Api.Problems;

/// <summary>A problem that passes by itself: <c>Retry-After</c> says when.</summary>
internal sealed class RetryLater(IResult problem, TimeSpan after) : IResult
{
    public IResult Problem => problem;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.RetryAfter = ((long)Math.Ceiling(after.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return problem.ExecuteAsync(httpContext);
    }
}
