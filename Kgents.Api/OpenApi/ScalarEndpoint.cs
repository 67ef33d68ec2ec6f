using System.Buffers.Text;
using System.Security.Cryptography;
using Scalar.AspNetCore;

namespace Kgents.Api.OpenApi;

/// <summary>A page on which people read the document and try it. All of it comes from here: it needs no network beyond.</summary>
internal static class ScalarEndpoint
{
    public static void MapApiPage(this IEndpointRouteBuilder routes) => routes.MapScalarApiReference("/scalar", Configure);

    private static void Configure(ScalarOptions page, HttpContext context)
    {
        var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        context.Response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        context.Response.Headers.CacheControl = "no-store";
        page.WithTitle("Kgents")
            .WithNonce(nonce)
            .AddDocument("v1", routePattern: "/openapi/v1.json")
            .DisableDefaultFonts()
            .DisableTelemetry()
            .DisableAgent()
            .HideDeveloperTools();
    }
}
