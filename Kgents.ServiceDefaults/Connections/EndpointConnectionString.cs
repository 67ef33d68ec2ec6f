using System.Data.Common;
using Microsoft.Extensions.Configuration;

namespace Kgents.ServiceDefaults.Connections;

/// <summary>A connection string of the form <c>Endpoint=…;Key=…;Model=…</c>, as Aspire and aspirate hand out for HTTP services.</summary>
/// <param name="Name">Its name under <c>ConnectionStrings</c>.</param>
/// <param name="Key">The secret; never written to a log.</param>
public sealed record EndpointConnectionString(string Name, Uri Endpoint, string? Key, string? Model)
{
    /// <summary>Reads a connection string; null when it is not configured.</summary>
    /// <exception cref="InvalidOperationException">It cannot be read; the message names the setting and never repeats its value.</exception>
    public static EndpointConnectionString? Find(IConfiguration configuration, string name)
    {
        var text = configuration.GetConnectionString(name);
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        var parts = Parse(name, text);
        if (!Uri.TryCreate(Part(parts, "Endpoint"), UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            throw Invalid(name, "Endpoint is missing or is not an http(s) address");
        }

        return new EndpointConnectionString(name, endpoint, Part(parts, "Key"), Part(parts, "Model"));
    }

    /// <summary>The error for a part that this service needs and the connection string lacks.</summary>
    public static InvalidOperationException Invalid(string name, string what) =>
        new($"ConnectionStrings:{name} (environment: ConnectionStrings__{name}): {what}. Expected: Endpoint=https://host/path;Key=secret;Model=name.");

    /// <summary>A record prints its properties; this one must not print the key.</summary>
    public override string ToString() => $"{Name} at {Endpoint}";

    private static DbConnectionStringBuilder Parse(string name, string text)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = text };
        }
        catch (ArgumentException)
        {
            // The exception's message quotes the text, which holds the key.
            throw Invalid(name, "it is not a list of Name=value pairs");
        }
    }

    private static string? Part(DbConnectionStringBuilder parts, string key) =>
        parts.TryGetValue(key, out var value) && value is string { Length: > 0 } part ? part : null;
}
