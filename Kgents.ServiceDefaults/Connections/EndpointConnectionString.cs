using Microsoft.Extensions.Configuration;

namespace Kgents.ServiceDefaults.Connections;

/// <summary>A connection string of the form <c>Endpoint=…;Key=…</c>, as Aspire and aspirate hand out for HTTP services.</summary>
/// <param name="Name">Its name under <c>ConnectionStrings</c>.</param>
/// <param name="Key">The secret; never written to a log.</param>
public sealed record EndpointConnectionString(string Name, Uri Endpoint, string? Key)
{
    /// <summary>Reads a connection string; null when it is not configured.</summary>
    /// <exception cref="SettingException">It cannot be read; the message names the setting and never repeats its value.</exception>
    public static EndpointConnectionString? Find(IConfiguration configuration, string name) =>
        ConnectionStringParts.Find(configuration, name, "Endpoint=https://host/path;Key=secret") is { } parts
            ? new EndpointConnectionString(name, parts.Endpoint(), parts["Key"])
            : null;

    /// <summary>A record prints its properties; this one must not print the key.</summary>
    public override string ToString() => $"{Name} at {Endpoint}";
}
