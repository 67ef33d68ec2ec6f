namespace Kgents.Api.Messages;

/// <summary>Says that the answer is that of an earlier request.</summary>
internal sealed class Replayed(IResult answer) : IResult
{
    public const string Header = "Idempotency-Replayed";

    public IResult Answer => answer;

    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers[Header] = "true";
        return answer.ExecuteAsync(httpContext);
    }
}
