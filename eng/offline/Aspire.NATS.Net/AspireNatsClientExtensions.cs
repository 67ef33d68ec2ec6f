using Aspire.NATS.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Net;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers a NATS connection as the real Aspire.NATS.Net does: same services, names and precedence.</summary>
public static class AspireNatsClientExtensions
{
    private const string SectionName = "Aspire:NATS:Net";
    private const string ActivitySourceName = "NATS.Net";

    public static void AddNatsClient(this IHostApplicationBuilder builder, string connectionName)
        => Add(builder, connectionName, serviceKey: null, configureSettings: null, configureOptions: null);

    public static void AddNatsClient(this IHostApplicationBuilder builder, string connectionName, Action<NatsClientSettings>? configureSettings)
        => Add(builder, connectionName, serviceKey: null, configureSettings, configureOptions: null);

    public static void AddNatsClient(this IHostApplicationBuilder builder, string connectionName, Func<NatsOpts, NatsOpts>? configureOptions)
        => Add(builder, connectionName, serviceKey: null, configureSettings: null, IgnoringServices(configureOptions));

    public static void AddNatsClient(this IHostApplicationBuilder builder, string connectionName, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
        => Add(builder, connectionName, serviceKey: null, configureSettings: null, configureOptions);

    public static void AddNatsClient(
        this IHostApplicationBuilder builder, string connectionName, Action<NatsClientSettings>? configureSettings, Func<NatsOpts, NatsOpts>? configureOptions)
        => Add(builder, connectionName, serviceKey: null, configureSettings, IgnoringServices(configureOptions));

    /// <exception cref="InvalidOperationException">When the connection is resolved and no connection string was configured.</exception>
    public static void AddNatsClient(
        this IHostApplicationBuilder builder, string connectionName, Action<NatsClientSettings>? configureSettings, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
        => Add(builder, connectionName, serviceKey: null, configureSettings, configureOptions);

    public static void AddKeyedNatsClient(this IHostApplicationBuilder builder, string name)
        => AddKeyed(builder, name, configureSettings: null, configureOptions: null);

    public static void AddKeyedNatsClient(this IHostApplicationBuilder builder, string name, Action<NatsClientSettings>? configureSettings)
        => AddKeyed(builder, name, configureSettings, configureOptions: null);

    public static void AddKeyedNatsClient(this IHostApplicationBuilder builder, string name, Func<NatsOpts, NatsOpts>? configureOptions)
        => AddKeyed(builder, name, configureSettings: null, IgnoringServices(configureOptions));

    public static void AddKeyedNatsClient(this IHostApplicationBuilder builder, string name, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
        => AddKeyed(builder, name, configureSettings: null, configureOptions);

    public static void AddKeyedNatsClient(
        this IHostApplicationBuilder builder, string name, Action<NatsClientSettings>? configureSettings, Func<NatsOpts, NatsOpts>? configureOptions)
        => AddKeyed(builder, name, configureSettings, IgnoringServices(configureOptions));

    /// <exception cref="InvalidOperationException">When the connection is resolved and no connection string was configured.</exception>
    public static void AddKeyedNatsClient(
        this IHostApplicationBuilder builder, string name, Action<NatsClientSettings>? configureSettings, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
        => AddKeyed(builder, name, configureSettings, configureOptions);

    /// <summary>Registers a JetStream context on the connection that is not keyed.</summary>
    public static void AddNatsJetStream(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddSingleton<INatsJSContext>(
            static services => new NatsJSContextFactory().CreateContext(services.GetRequiredService<INatsConnection>()));
    }

    private static void AddKeyed(
        IHostApplicationBuilder builder, string name, Action<NatsClientSettings>? configureSettings, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);

        Add(builder, name, serviceKey: name, configureSettings, configureOptions);
    }

    private static void Add(
        IHostApplicationBuilder builder,
        string connectionName,
        string? serviceKey,
        Action<NatsClientSettings>? configureSettings,
        Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = ReadSettings(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);

        // A null key is an ordinary registration.
        var services = builder.Services;
        services.TryAdd(ServiceDescriptor.KeyedSingleton(serviceKey, (provider, _) => Connect(provider, connectionName, settings, configureOptions)));
        services.TryAdd(ServiceDescriptor.KeyedSingleton<INatsConnection>(serviceKey, static (provider, key) => provider.GetRequiredKeyedService<NatsConnection>(key)));
        services.TryAdd(ServiceDescriptor.KeyedSingleton<INatsClient>(serviceKey, static (provider, key) => provider.GetRequiredKeyedService<NatsConnection>(key)));

        if (!settings.DisableHealthChecks)
        {
            AddHealthCheck(builder, serviceKey is null ? "NATS" : $"NATS_{connectionName}", serviceKey);
        }

        if (!settings.DisableTracing)
        {
            services.AddOpenTelemetry().WithTracing(static tracing => tracing.AddSource(ActivitySourceName));
        }
    }

    private static NatsClientSettings ReadSettings(IConfiguration configuration, string connectionName)
    {
        var settings = new NatsClientSettings();
        var section = configuration.GetSection(SectionName);
        section.Bind(settings);
        section.GetSection(connectionName).Bind(settings);
        settings.ConnectionString = configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        return settings;
    }

    private static NatsConnection Connect(
        IServiceProvider services, string connectionName, NatsClientSettings settings, Func<IServiceProvider, NatsOpts, NatsOpts>? configureOptions)
    {
        var options = NatsOpts.Default with
        {
            LoggerFactory = services.GetRequiredService<ILoggerFactory>(),
            SerializerRegistry = NatsClientDefaultSerializerRegistry.Default,
        };

        options = configureOptions?.Invoke(services, options) ?? options;

        return new NatsConnection(options with
        {
            Url = settings.ConnectionString ?? throw new InvalidOperationException($"There is no connection string named '{connectionName}'."),
        });
    }

    private static void AddHealthCheck(IHostApplicationBuilder builder, string name, string? serviceKey)
    {
        // The same marker as the real package: a health check of this name is added once however often a client is.
        if (builder.Properties.TryAdd($"Aspire.HealthChecks.{name}", true))
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                name, services => new NatsHealthCheck(services.GetRequiredKeyedService<INatsConnection>(serviceKey)), failureStatus: default, tags: default));
        }
    }

    private static Func<IServiceProvider, NatsOpts, NatsOpts>? IgnoringServices(Func<NatsOpts, NatsOpts>? configureOptions)
        => configureOptions is null ? null : (_, options) => configureOptions(options);
}
