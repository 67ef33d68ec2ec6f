namespace Kgents.AppHost;

/// <summary>OpenMeter with all that it stands on: the containers of <c>deploy/openmeter/compose.yaml</c>, which a test holds to these.</summary>
internal static class OpenMeterContainers
{
    private const string Configuration = "/etc/openmeter/config.yaml";
    private const int Port = 8888;

    public static IResourceBuilder<IResourceWithConnectionString> AddOpenMeterContainers(this IDistributedApplicationBuilder builder, [ResourceName] string name)
    {
        var kafka = builder.AddContainer($"{name}-kafka", "confluentinc/cp-kafka", "8.0.3")
            .KnownAs("kafka").WithDataVolume("/var/lib/kafka/data")
            .WithEnvironment("CLUSTER_ID", "ca497efe-9f82-4b84-890b-d9969a9a2e1c")
            .WithEnvironment("KAFKA_NODE_ID", "0")
            .WithEnvironment("KAFKA_PROCESS_ROLES", "broker,controller")
            .WithEnvironment("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER")
            .WithEnvironment("KAFKA_CONTROLLER_QUORUM_VOTERS", "0@kafka:9093")
            .WithEnvironment("KAFKA_LISTENERS", "PLAINTEXT://kafka:9092,CONTROLLER://kafka:9093")
            .WithEnvironment("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092")
            .WithEnvironment("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT")
            .WithEnvironment("KAFKA_INTER_BROKER_LISTENER_NAME", "PLAINTEXT")
            .WithEnvironment("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
            .WithEnvironment("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
            .WithEnvironment("KAFKA_LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS", "9223372036854775807")
            .WithEnvironment("KAFKA_LOG_RETENTION_HOURS", "9600");

        var clickHouse = builder.AddContainer($"{name}-clickhouse", "clickhouse/clickhouse-server", "25.12.3-alpine")
            .KnownAs("clickhouse").WithDataVolume("/var/lib/clickhouse")
            .WithEnvironment("CLICKHOUSE_USER", "default")
            .WithEnvironment("CLICKHOUSE_PASSWORD", "default")
            .WithEnvironment("CLICKHOUSE_DB", "openmeter")
            .WithEnvironment("CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT", "1");

        var postgres = builder.AddContainer($"{name}-postgres", "postgres", "14.20-alpine3.23")
            .KnownAs("postgres").WithDataVolume("/var/lib/postgresql/data")
            .WithEnvironment("POSTGRES_PASSWORD", "postgres");

        // What it has forgotten is counted again when it comes again: it keeps its keys over a restart, for the 32 days of config.yaml.
        var redis = builder.AddContainer($"{name}-redis", "redis", "7.4.7")
            .KnownAs("redis").WithDataVolume("/data")
            .WithArgs("redis-server", "--appendonly", "yes", "--maxmemory-policy", "noeviction");

        var server = builder.AddOpenMeterProcess($"{name}-server", $"openmeter --address 0.0.0.0:{Port}", "kafka:9092", "clickhouse:9000", "postgres:5432", "redis:6379")
            .KnownAs("openmeter")
            .WithHttpEndpoint(targetPort: Port)
            .WithHttpHealthCheck("/api/v1/debug/metrics");

        var sink = builder.AddOpenMeterProcess($"{name}-sink-worker", "openmeter-sink-worker", $"openmeter:{Port}", "kafka:9092", "clickhouse:9000", "redis:6379");

        foreach (var part in new[] { kafka, clickHouse, postgres, redis, sink })
        {
            part.WithParentRelationship(server);
        }

        // Nobody waits for it: metering records usage without it, and sends it when it is there.
        return builder.AddConnectionString(name, ReferenceExpression.Create($"Endpoint={server.GetEndpoint("http")}"));
    }

    /// <summary>A program of OpenMeter's image. It gives up when something is not there yet, and Aspire starts no container again: so it begins when all answer.</summary>
    private static IResourceBuilder<ContainerResource> AddOpenMeterProcess(this IDistributedApplicationBuilder builder, [ResourceName] string name, string command, params string[] needs)
        => builder.AddContainer(name, "ghcr.io/openmeterio/openmeter", "v1.0.0-beta.232")
            .WithBindMount("../deploy/openmeter/config.yaml", Configuration, isReadOnly: true)
            .WithEntrypoint("/bin/bash")
            .WithArgs("-c", $"for each in {string.Join(' ', needs)}; do until (: > /dev/tcp/${{each/://}}) 2>/dev/null; do sleep 1; done; done; exec {command} --config {Configuration}");

    /// <summary>As config.yaml calls it.</summary>
    private static IResourceBuilder<ContainerResource> KnownAs(this IResourceBuilder<ContainerResource> container, string host) => container.WithContainerNetworkAlias(host);

    private static IResourceBuilder<ContainerResource> WithDataVolume(this IResourceBuilder<ContainerResource> container, string directory)
        => container.WithVolume(VolumeNameGenerator.Generate(container, "data"), directory);
}
