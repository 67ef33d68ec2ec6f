namespace Kgents.Api.Messages;

/// <summary>Says that the answer is that of an earlier request.</summary>
internal sealed class Replayed(IResult answer) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers["Idempotency-Replayed"] = "true";
        return answer.ExecuteAsync(httpContext);
    }
}
