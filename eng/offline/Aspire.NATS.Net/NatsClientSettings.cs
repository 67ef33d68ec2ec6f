namespace Aspire.NATS.Net;

/// <summary>What the configuration section <c>Aspire:NATS:Net</c> (or <c>Aspire:NATS:Net:{connectionName}</c>) may set.</summary>
public sealed class NatsClientSettings
{
    /// <summary>The server's address, <c>nats://user:password@host:4222</c>; <c>ConnectionStrings:{connectionName}</c> wins over it.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Leaves the health check out.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Leaves the activity source <c>NATS.Net</c> out of tracing.</summary>
    public bool DisableTracing { get; set; }
}
