using Kgents.ServiceDefaults.Health;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>Traces, metrics and logs, sent by OTLP when <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set.</summary>
public static class TelemetryDefaults
{
    /// <summary>Sources and meters of Kgents itself begin with this.</summary>
    private const string OwnSources = "Kgents.*";

    /// <summary>Whether there is somebody to send it to.</summary>
    public static bool IsTelemetryOn(this IConfiguration configuration) => !string.IsNullOrWhiteSpace(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

    /// <summary>Without an endpoint nothing is gathered: a span for each request, which an open stream holds for as long as it lasts, is for somebody to read.</summary>
    internal static void AddTelemetry(this IHostApplicationBuilder builder, string serviceName)
    {
        if (!builder.Configuration.IsTelemetryOn())
        {
            return;
        }

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(serviceName))
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter(OwnSources, "NATS.Net", "Experimental.Microsoft.Extensions.AI"))
            .WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !context.Request.Path.StartsWithSegments(HealthEndpoints.Root) && context.Request.Path != HealthEndpoints.Alive)
                .AddHttpClientInstrumentation()
                .AddSource(OwnSources, "Experimental.Microsoft.Extensions.AI"))
            .UseOtlpExporter();
    }
}
