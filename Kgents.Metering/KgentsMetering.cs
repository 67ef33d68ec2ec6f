using Kgents.Contracts;
using Kgents.Metering.Export;
using Kgents.ServiceDefaults.Connections;
using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering;

/// <summary>The metering worker: takes usage from JetStream to OpenMeter.</summary>
public static class KgentsMetering
{
    public static TBuilder AddKgentsMetering<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddTopology([Streams.Usage], []);
        if (EndpointConnectionString.Find(builder.Configuration, OpenMeterClient.ConnectionName) is not { } connection)
        {
            builder.Services.AddHostedService<NoOpenMeterNotice>();
            return builder;
        }

        builder.Services.AddOptionsWithValidateOnStart<ExportOptions, ExportOptionsValidator>().BindConfiguration(ExportOptions.SectionName);
        builder.Services.AddHttpClient<OpenMeterClient>(http => OpenMeterClient.Configure(http, connection))
            // The one exporter keeps its client for ever, so addresses are looked up anew by the connections' age instead of the handler's.
            .UseSocketsHttpHandler((handler, _) => handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5))
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
        builder.Services
            .AddSingleton<ExportHealth>()
            .AddSingleton<UsageQueue>()
            .AddSingleton<UsageExporter>()
            .AddHostedService<UsageExportWorker>();
        builder.Services.AddHealthChecks().AddCheck<ExportHealth>("openmeter", tags: [HealthEndpoints.Ready]);
        return builder;
    }
}
