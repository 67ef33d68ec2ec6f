using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;

namespace Kgents.ServiceDefaults.Telemetry;

/// <summary>Frameworks say only what is wrong; Kgents says what it does, a line each, in UTC: for people, and in a container for whoever collects the lines. Any <c>Logging</c> setting has the last word.</summary>
internal static class QuietLogging
{
    private static readonly KeyValuePair<string, string?>[] Defaults =
    [
        new("Logging:LogLevel:Microsoft.AspNetCore", "Warning"),
        new("Logging:LogLevel:System.Net.Http.HttpClient", "Warning"),
        new("Logging:LogLevel:Polly", "Warning"),
        new("Logging:LogLevel:NATS.Client", "Warning"),
        // It tells each try to reconnect with a stack trace; NatsTopologyWorker tells once that NATS is away, and once that it is back.
        new("Logging:LogLevel:NATS.Client.Core.NatsConnection", "Critical"),
        // It tells each time that a check fails; HealthReporter, and who finds it, tell once.
        new("Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks", "None"),
        // It tells each try to watch a bucket; BucketView tells once that its view is interrupted.
        new("Logging:LogLevel:NATS.Client.KeyValueStore", "Error"),
        // It tells each time what nats-server refuses; NatsRefusals tells once, with what is to be set.
        new("Logging:LogLevel:NATS.Client.Core.Internal.NatsReadProtocolProcessor", "Critical"),
        new("Logging:Console:FormatterOptions:UseUtcTimestamp", "true"),
    ];

    private static readonly KeyValuePair<string, string?>[] ForPeople =
    [
        new("Logging:Console:FormatterName", "simple"),
        new("Logging:Console:FormatterOptions:SingleLine", "true"),
        new("Logging:Console:FormatterOptions:TimestampFormat", "HH:mm:ss.fff'Z' "),
    ];

    private static readonly KeyValuePair<string, string?>[] ForCollectors =
    [
        new("Logging:Console:FormatterName", "json"),
        new("Logging:Console:FormatterOptions:IncludeScopes", "true"),
        new("Logging:Console:FormatterOptions:TimestampFormat", "yyyy-MM-dd'T'HH:mm:ss.fff'Z'"),
    ];

    /// <summary>First among the sources, so that every other one overrides it.</summary>
    public static void AddQuietLogging(this IHostApplicationBuilder builder)
    {
        var form = builder.Configuration["DOTNET_RUNNING_IN_CONTAINER"] is "true" or "1" ? ForCollectors : ForPeople;
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = Defaults.Concat(form) });
    }
}
