namespace Kgents.AppHost;

/// <summary>Where the NATS server comes from; the services see a connection string named like the resource in every case.</summary>
internal static class NatsBackbone
{
    private const string ContainerConfiguration = "/etc/nats/kgents.conf";

    /// <summary>
    /// <c>Nats:Mode</c> is <c>container</c> (default), <c>executable</c> (a nats-server of this machine) or <c>external</c> (<c>ConnectionStrings:{name}</c>).
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddNatsBackbone(this IDistributedApplicationBuilder builder, [ResourceName] string name)
    {
        // Published, NATS is a cluster from its own chart; and aspirate cannot resolve the address that AddNats would write into the manifest.
        if (builder.ExecutionContext.IsPublishMode)
        {
            return builder.AddConnectionString(name);
        }

        return builder.Configuration["Nats:Mode"] switch
        {
            null or "" or "container" => builder.AddNats(name).WithJetStream().WithDataVolume()
                // sync_interval has no flag; the flags above override nothing in this file.
                .WithBindMount("../deploy/nats/container.conf", ContainerConfiguration, isReadOnly: true)
                .WithArgs("-c", ContainerConfiguration),
            "executable" => builder.AddNatsExecutable(name),
            "external" => builder.AddConnectionString(name),
            var mode => throw new DistributedApplicationException($"Nats:Mode is '{mode}'; it must be container, executable or external."),
        };
    }
}
