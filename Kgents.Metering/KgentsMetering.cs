using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.DeadLetters;
using Kgents.Metering.Export;
using Kgents.Metering.Ledger;
using Kgents.Metering.Operations;
using Kgents.Metering.Reconcile;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks;
using Kgents.ServiceDefaults.Connections;
using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Nats;

namespace Kgents.Metering;

/// <summary>The metering worker: enters usage into the ledger, takes it to OpenMeter and makes sure that it is there.</summary>
public static class KgentsMetering
{
    public static TBuilder AddKgentsMetering<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddMeteringCore();
        if (builder.AddReconciliation())
        {
            builder.Services.AddHostedService<ReconcileWorker>();
        }
        else
        {
            builder.Services.AddHostedService<NoOpenMeterNotice>();
        }

        builder.Services.AddWebhooks();
        builder.Services.AddHostedService<MeteringWorker>();
        builder.Services.AddSingleton<UsageOperations>().AddHostedService<UsageOperationsWorker>();
        builder.Services.AddHealthChecks().AddCheck<MeteringHealth>("openmeter", tags: [HealthEndpoints.Ready]);
        return builder;
    }

    /// <summary>Everything but the work itself: what a command needs that looks at the ledger.</summary>
    internal static void AddMeteringCore(this IHostApplicationBuilder builder)
    {
        builder.Services.AddTopology([Streams.Usage, Streams.Ledger, Streams.DeadLetters], [Buckets.LeaseRecords]);
        builder.Services.AddOptionsWithValidateOnStart<LedgerOptions, LedgerOptionsValidator>().BindConfiguration(LedgerOptions.SectionName);
        builder.Services.AddOptionsWithValidateOnStart<ExportOptions, ExportOptionsValidator>().BindConfiguration(ExportOptions.SectionName);
        builder.Services.AddOptionsWithValidateOnStart<ConfirmOptions, ConfirmOptionsValidator>().BindConfiguration(ConfirmOptions.SectionName);
        builder.Services
            .AddSingleton<MeteringHealth>()
            .AddSingleton<MeteringMetrics>()
            .AddSingleton<UsageDeadLetters>()
            .AddSingleton<MeteringSessions>();
    }

    /// <summary>What compares the ledger with the token log and with OpenMeter.</summary>
    /// <returns>False when there is no OpenMeter to compare with.</returns>
    internal static bool AddReconciliation(this IHostApplicationBuilder builder)
    {
        builder.Services.AddTopology([Streams.Tokens], [Buckets.ReconciliationRecords]);
        builder.Services.AddOptionsWithValidateOnStart<ReconcileOptions, ReconcileOptionsValidator>().BindConfiguration(ReconcileOptions.SectionName);
        builder.Services.AddSingleton<ReconciliationStore>();
        return builder.AddOpenMeter();
    }

    /// <summary>False when none is configured.</summary>
    private static bool AddOpenMeter(this IHostApplicationBuilder builder)
    {
        if (EndpointConnectionString.Find(builder.Configuration, OpenMeterClient.ConnectionName) is not { } connection)
        {
            return false;
        }

        builder.Services.AddOpenMeter(connection);
        return true;
    }

    private static void AddOpenMeter(this IServiceCollection services, EndpointConnectionString connection)
    {
        services.AddHttpClient(nameof(OpenMeterClient), http => OpenMeterClient.Configure(http, connection)).SendEachRequestOnce();
        services.AddHttpClient(nameof(OpenMeterEvents), http => OpenMeterClient.Configure(http, connection)).SendEachRequestOnce();
        services.AddHttpClient(nameof(OpenMeterMeters), http => OpenMeterClient.Configure(http, connection)).SendEachRequestOnce();

        // One of each for the life of the process: a circuit breaker that is made anew has seen nothing.
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<OpenMeterClient>(provider, provider.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(OpenMeterClient))));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<OpenMeterEvents>(provider, provider.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(OpenMeterEvents))));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<OpenMeterMeters>(provider, provider.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(OpenMeterMeters))));
        services.AddSingleton<MeterComparison>();
        services.AddSingleton<DeduplicationProbe>();
    }

    /// <summary>
    /// Without the retries of the service defaults: whether usage may go a second time, only the ledger knows. And without following redirects,
    /// which make a GET of a POST.
    /// </summary>
    private static void SendEachRequestOnce(this IHttpClientBuilder client)
    {
#pragma warning disable EXTEXP0001 // Experimental is the call, not what it does; the only other way is to name each handler's options.
        client.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        client
            .UseSocketsHttpHandler((handler, _) =>
            {
                // The one client is kept for ever, so addresses are looked up anew by the connections' age instead of the handler's.
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
                handler.AllowAutoRedirect = false;
            })
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan);
    }
}
