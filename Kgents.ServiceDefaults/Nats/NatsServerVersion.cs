using NATS.Client.Core;

namespace Kgents.ServiceDefaults.Nats;

/// <summary>
/// The oldest server that Kgents accepts. Older ones ignore what they do not know, in silence: 2.9 ignores several filter subjects,
/// which would show one tenant's tokens to another.
/// </summary>
internal static class NatsServerVersion
{
    public static Version Oldest { get; } = new(2, 12);

    /// <summary>Null when the server is new enough, else a sentence that names the version found and the one needed.</summary>
    public static string? Problem(INatsServerInfo? server)
    {
        var found = server?.Version ?? "unknown";
        var number = found.Split('-', '+')[0].TrimStart('v');
        return Version.TryParse(number, out var version) && version >= Oldest
            ? null
            : $"nats-server {found} at {server?.Host}:{server?.Port} is too old: Kgents needs {Oldest} or newer. Upgrade it, or point ConnectionStrings:nats at another.";
    }
}
