using Microsoft.Extensions.Configuration;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>Where NATS is, from <c>ConnectionStrings:nats</c>: it has a password, so it is shown without what stands before the host.</summary>
internal static class NatsAddress
{
    /// <summary>In the place of what is no address: the client has to be given one, and connects nowhere with this: names that end with a dot are looked for in no search domain.</summary>
    private const string Nowhere = "nats://nowhere.invalid.:4222";

    private const string NoAddress =
        "ConnectionStrings:nats (environment: ConnectionStrings__nats): it is not an address of NATS. Expected: nats://user:password@host:4222, or tls://…; several with commas between them. A character of the password that an address cannot have is written as %XX. The process has to be started again with another value";

    private static readonly string[] Schemes = ["nats", "tls", "ws", "wss"];

    /// <summary>What is configured, if the client can be given it.</summary>
    public static string Read(IConfiguration configuration, string name) =>
        configuration.GetConnectionString(name) is { } value && value.Split(',', StringSplitOptions.TrimEntries).All(IsAddress) ? value : Nowhere;

    /// <summary>What is wrong with what was configured, which the message never repeats; null when it is an address. It stays so for as long as the process lives.</summary>
    public static string? Problem(string url) => url == Nowhere ? NoAddress : null;

    /// <summary>Each server as <c>host:port</c>.</summary>
    public static string Of(string url) => string.Join(", ", url.Split(',', StringSplitOptions.TrimEntries).Select(each => Parse(each) is { } address ? $"{address.Host}:{(address.Port > 0 ? address.Port : 4222)}" : "?"));

    private static bool IsAddress(string value) => value.Length > 0 && Parse(value) is { Host.Length: > 0 } address && Schemes.Contains(address.Scheme);

    /// <summary>As the client reads it: without a scheme it is nats.</summary>
    private static Uri? Parse(string value) => Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : $"nats://{value}", UriKind.Absolute, out var address) ? address : null;
}
