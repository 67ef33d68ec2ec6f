using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace Kgents.Api.Edge;

/// <summary>Refuses a body in another encoding than UTF-8, which the framework would turn or fail on, and a compressed one, which it would read as it is.</summary>
internal sealed class PlainBodies(RequestDelegate next)
{
    private const string Utf8 = "utf-8";

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is null || (IsNotCompressed(context.Request) && IsUtf8(context.Request))
            ? next(context)
            : Problem.NotJson.ExecuteAsync(context);

    private static bool IsNotCompressed(HttpRequest request) =>
        request.Headers.ContentEncoding.All(coding => string.IsNullOrWhiteSpace(coding) || coding.Trim().Equals("identity", StringComparison.OrdinalIgnoreCase));

    private static bool IsUtf8(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.Charset.HasValue)
        {
            return true;
        }

        if (!HeaderUtilities.RemoveQuotes(type.Charset).Equals(Utf8, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        // The framework fails on a name in quotes, which mean nothing.
        type.Charset = Utf8;
        request.ContentType = type.ToString();
        return true;
    }
}
