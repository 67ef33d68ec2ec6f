namespace Kgents.AppHost;

/// <summary>A nats-server that runs as a plain process, for machines without a container runtime; its connection string is shaped like the container's.</summary>
internal sealed class NatsExecutableResource(string name, string command, string workingDirectory, ParameterResource password)
    : ExecutableResource(name, command, workingDirectory), IResourceWithConnectionString
{
    public const string UserName = "nats";
    public const string PrimaryEndpointName = "tcp";
    public const string MonitorEndpointName = "monitor";

    public ParameterResource Password { get; } = password;

    public EndpointReference PrimaryEndpoint => field ??= new(this, PrimaryEndpointName);

    public EndpointReference MonitorEndpoint => field ??= new(this, MonitorEndpointName);

    public ReferenceExpression ConnectionStringExpression
        => ReferenceExpression.Create($"nats://{UserName}:{Password:uri}@{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)}");
}
