namespace Kgents.Api.Edge;

/// <summary>
/// What a browser may make of an answer: nothing but data, for nobody else, and not to be kept. An endpoint that says otherwise has the last word.
/// Answers that Kestrel gives by itself, to what is not HTTP, have no body and none of these.
/// </summary>
internal sealed class AnswerHeaders(RequestDelegate next)
{
    public static readonly IReadOnlyDictionary<string, string> Defaults = new Dictionary<string, string>
    {
        ["Cache-Control"] = "no-store",
        ["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'",
        ["Referrer-Policy"] = "no-referrer",
        ["X-Content-Type-Options"] = "nosniff",
    };

    public Task InvokeAsync(HttpContext context)
    {
        // When it starts, and not before: a fault clears what was set until then.
        context.Response.OnStarting(Write, context.Response.Headers);
        return next(context);
    }

    private static Task Write(object headers)
    {
        foreach (var (name, value) in Defaults)
        {
            ((IHeaderDictionary)headers).TryAdd(name, value);
        }

        return Task.CompletedTask;
    }
}
