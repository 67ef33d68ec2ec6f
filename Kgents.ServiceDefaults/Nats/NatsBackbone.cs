using Kgents.Contracts;
using Kgents.ServiceDefaults.Health;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.KeyValueStore;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>The NATS client with the options that a service needs, and the streams that it asks for.</summary>
public static class NatsBackbone
{
    private const string ConnectionName = "nats";

    /// <summary>Asks for streams and buckets: the service is not ready until they are there as defined.</summary>
    public static IServiceCollection AddTopology(this IServiceCollection services, StreamDefinition[] streams, BucketDefinition[] buckets)
    {
        foreach (var stream in streams)
        {
            services.AddSingleton(stream);
        }

        foreach (var bucket in buckets)
        {
            services.AddSingleton(bucket);
        }

        return services;
    }

    internal static void AddNatsBackbone(this IHostApplicationBuilder builder, string serviceName)
    {
        var address = NatsAddress.Read(builder.Configuration, ConnectionName);

        // Its own health check knows only the socket; TopologyHealthCheck knows the socket and the streams. Its own spans are one for each message, asked or answered, so
        // also for every few tokens; MessageSpans has those that tell of a turn.
        builder.AddNatsClient(ConnectionName, settings => (settings.ConnectionString, settings.DisableHealthChecks, settings.DisableTracing) = (address, true, true), options => Configure(options, serviceName));
        builder.AddNatsJetStream();
        builder.Services.AddSingleton<INatsKVContext>(provider => new NatsKVContext(provider.GetRequiredService<INatsJSContext>()));
        builder.Services.AddSingleton<JetStreamReader>();
        builder.Services.AddSingleton<NatsMetrics>();
        builder.Services.AddSingleton<FencedPublisher>();
        builder.Services.AddSingleton<TenantQuota>();

        builder.Services.AddOptions<NatsTopologyOptions>().BindConfiguration(NatsTopologyOptions.SectionName).ValidateOnStart();
        builder.Services.AddSingleton<Microsoft.Extensions.Options.IValidateOptions<NatsTopologyOptions>, NatsTopologyOptionsValidator>();
        builder.Services.AddSingleton<NatsRefusals>();
        builder.Services.AddSingleton<NatsRoom>();
        builder.Services.AddSingleton<NatsTopology>();
        builder.Services.AddHostedService<NatsTopologyWorker>();
        builder.Services.AddHealthChecks()
            .Add(new HealthCheckRegistration("nats", ActivatorUtilities.GetServiceOrCreateInstance<TopologyHealthCheck>, HealthStatus.Unhealthy, [HealthEndpoints.Ready]))
            .AddCheck<StreamsHealthCheck>("streams");
    }

    private static NatsOpts Configure(NatsOpts options, string serviceName) => options with
    {
        Name = serviceName,
        // One inbox prefix per service, so that permissions can name it.
        InboxPrefix = $"_INBOX_{serviceName}",
        RetryOnInitialConnect = true,
        // Credentials that are refused now may be right after the next rotation; otherwise the client gives up for ever.
        IgnoreAuthErrorAbort = true,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(100),
        ReconnectJitter = TimeSpan.FromMilliseconds(250),
        ReconnectWaitMax = TimeSpan.FromSeconds(2),
        // A dead peer is noticed after two unanswered pings; the default is four minutes.
        PingInterval = TimeSpan.FromSeconds(3),
        MaxPingOut = 2,
        // A lost answer is noticed after this; an append is then looked up, a read is tried again.
        RequestTimeout = TimeSpan.FromSeconds(2),
        CommandTimeout = TimeSpan.FromSeconds(2),
        // A command that meets a broken connection fails after CommandTimeout instead of waiting for ever.
        PublishTimeoutOnDisconnected = true,
    };
}
