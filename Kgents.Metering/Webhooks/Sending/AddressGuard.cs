using System.Net;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>
/// Which addresses an event may be sent to: those of the public Internet, and those that the operator allows. A tenant chooses where it goes, so without this it could have this service
/// talk to whatever stands beside it.
/// </summary>
internal sealed class AddressGuard(IOptions<WebhookDeliveryOptions> options)
{
    /// <summary>By the registries of special-purpose addresses of IANA, and multicast.</summary>
    private static readonly IPNetwork[] Special =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ]).Select(IPNetwork.Parse),
    ];

    /// <summary>All that is given out on the IPv6 Internet; loopback, local, mapped and multicast addresses lie elsewhere.</summary>
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    /// <summary>An IPv4 address as a network without IPv4 writes it.</summary>
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    private readonly IReadOnlyList<IPNetwork> allowed = options.Value.ReadNetworks();

    public bool Allows(IPAddress address)
    {
        var plain = Plain(address);
        return allowed.Any(network => network.Contains(plain))
            || (!Special.Any(network => network.Contains(plain)) && (plain.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork || Global.Contains(plain)));
    }

    /// <summary>The IPv4 address inside of an IPv6 one, where packets end up.</summary>
    private static IPAddress Plain(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4()
        : Nat64.Contains(address) ? new IPAddress(address.GetAddressBytes()[12..])
        : address;
}
