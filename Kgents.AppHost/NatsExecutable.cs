namespace Kgents.AppHost;

internal static class NatsExecutable
{
    private const string ShippedConfiguration = "../deploy/nats/nats.conf";

    /// <summary>
    /// Starts the nats-server of <c>Nats:Path</c> (default: from PATH) in <c>Nats:Directory</c> (default: the AppHost's own), below which it keeps its streams.
    /// </summary>
    public static IResourceBuilder<NatsExecutableResource> AddNatsExecutable(this IDistributedApplicationBuilder builder, [ResourceName] string name)
    {
        var configuration = Path.GetFullPath(ShippedConfiguration, builder.AppHostDirectory);
        var directory = Path.GetFullPath(builder.Configuration["Nats:Directory"] ?? ".", builder.AppHostDirectory);
        var password = builder.AddParameter($"{name}-password", new GenerateParameterDefault { MinLength = 22, Special = false }, secret: true);
        var nats = new NatsExecutableResource(name, builder.Configuration["Nats:Path"] ?? "nats-server", directory, password.Resource);

        return builder.AddResource(nats)
            .WithEndpoint(name: NatsExecutableResource.PrimaryEndpointName, scheme: "tcp")
            .WithHttpEndpoint(name: NatsExecutableResource.MonitorEndpointName)
            .WithArgs(context =>
            {
                // sync_interval has no flag, so it comes from the shipped file; what differs per run are flags, which override the file.
                AddFlag("-c", configuration);
                AddFlag("--port", nats.PrimaryEndpoint.Property(EndpointProperty.TargetPort));
                AddFlag("--http_port", nats.MonitorEndpoint.Property(EndpointProperty.TargetPort));
                AddFlag("--user", NatsExecutableResource.UserName);
                AddFlag("--pass", nats.Password);

                void AddFlag(string flag, object value)
                {
                    context.Args.Add(flag);
                    context.Args.Add(value);
                }
            })
            .WithHttpHealthCheck("/healthz", endpointName: NatsExecutableResource.MonitorEndpointName)
            .ExcludeFromManifest();
    }
}
