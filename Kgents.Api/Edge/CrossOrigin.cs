using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;

namespace Kgents.Api.Edge;

/// <summary>
/// Lets the pages of the listed origins call the API, and read of its answers what a client needs. Without credentials: a key or a ticket is sent by the
/// page, and nothing by the browser on its own.
/// </summary>
internal static class CrossOrigin
{
    private static readonly string[] Methods = ["GET", "POST", "PATCH", "DELETE"];
    private static readonly string[] Sent = ["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Last-Event-ID"];

    private static readonly string[] Read =
    [
        "Content-Location", "Location", "Idempotency-Replayed", "Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    ];

    private static readonly TimeSpan PreflightMaxAge = TimeSpan.FromMinutes(10);

    public static void AddCrossOrigin(this IServiceCollection services)
    {
        services.AddOptionsWithValidateOnStart<CrossOriginOptions, CrossOriginOptionsValidator>().BindConfiguration(CrossOriginOptions.SectionName);
        services.AddCors().AddOptions<CorsOptions>().Configure<IOptions<CrossOriginOptions>>((cors, options) => cors.AddDefaultPolicy(policy =>
            policy.WithOrigins(options.Value.List).WithMethods(Methods).WithHeaders(Sent).WithExposedHeaders(Read).SetPreflightMaxAge(PreflightMaxAge)));
    }

    /// <summary>Before keys are asked for: a browser sends none with its question whether it may send one.</summary>
    public static void UseCrossOrigin(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<CrossOriginOptions>>().Value.List.Length > 0)
        {
            app.UseCors();
        }
    }
}
