using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Memory;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Kgents.ServiceDefaults;

/// <summary>How every Kgents process is hosted.</summary>
public static class ServiceDefaults
{
    /// <summary>Telemetry, health, service discovery, HTTP resilience, the clock, and the NATS client under the given name.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder, string serviceName)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddQuietLogging();
        builder.AddUnloggedQueries();
        builder.AddTelemetry(serviceName);
        builder.AddHealth();
        builder.Services.AddOptionsWithValidateOnStart<MemoryOptions, MemoryOptionsValidator>().BindConfiguration(MemoryOptions.SectionName);
        builder.Services.AddHostedService<MemoryTrimmer>();
        builder.AddNatsBackbone(serviceName);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler();
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary><c>/health/live</c>, <c>/health/ready</c> and <c>/health</c>.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealth();
        return app;
    }
}
