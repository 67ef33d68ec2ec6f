using Microsoft.Extensions.Configuration;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Where NATS is, from <c>ConnectionStrings:nats</c>: it has a password, so it is shown without what stands before the host.</summary>
internal static class NatsAddress
{
    private static readonly string[] Schemes = ["nats", "tls", "ws", "wss"];

    /// <exception cref="InvalidOperationException">It is set and cannot be one. The message never repeats it.</exception>
    public static void Check(IConfiguration configuration, string name)
    {
        if (configuration.GetConnectionString(name) is { } value && !value.Split(',', StringSplitOptions.TrimEntries).All(IsAddress))
        {
            throw new InvalidOperationException(
                $"ConnectionStrings:{name} (environment: ConnectionStrings__{name}): it is not an address of NATS. Expected: nats://user:password@host:4222, or tls://…; several with commas between them. A character of the password that an address cannot have is written as %XX.");
        }
    }

    /// <summary>Each server as <c>host:port</c>.</summary>
    public static string Of(string url) => string.Join(", ", url.Split(',', StringSplitOptions.TrimEntries).Select(each => Parse(each) is { } address ? $"{address.Host}:{(address.Port > 0 ? address.Port : 4222)}" : "?"));

    private static bool IsAddress(string value) => value.Length > 0 && Parse(value) is { Host.Length: > 0 } address && Schemes.Contains(address.Scheme);

    /// <summary>As the client reads it: without a scheme it is nats.</summary>
    private static Uri? Parse(string value) => Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : $"nats://{value}", UriKind.Absolute, out var address) ? address : null;
}
