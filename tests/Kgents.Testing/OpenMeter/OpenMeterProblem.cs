using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Kgents.Testing;

/// <summary>OpenMeter's v1 error body.</summary>
internal static class OpenMeterProblem
{
    public static async Task WriteAsync(HttpContext context, int status, string detail, CancellationToken cancellationToken)
    {
        JsonObject problem = new()
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(status),
            ["status"] = status,

            // OpenMeter blanks what went wrong inside it.
            ["detail"] = status == StatusCodes.Status500InternalServerError ? "" : detail,
            ["instance"] = $"urn:request:{context.TraceIdentifier}",
        };
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/problem+json";
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(problem), cancellationToken);
    }

    public static async Task WriteAsync(HttpContext context, OpenMeterFault fault, CancellationToken cancellationToken)
    {
        if (fault.RetryAfter is { } retryAfter)
        {
            context.Response.Headers.RetryAfter =
                ((long)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await WriteAsync(context, fault.Status, "scripted failure", cancellationToken);
    }
}
