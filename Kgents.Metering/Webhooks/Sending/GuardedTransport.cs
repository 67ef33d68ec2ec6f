using System.Net;
using System.Net.Sockets;

namespace Kgents.Metering.Webhooks.Sending;

/// <summary>
/// Connections to receivers. A name is looked up once, all its addresses are checked, and the connection goes to one of those very addresses: a name that stands for another address a moment later
/// changes nothing. There are no proxies, which would look it up themselves, no redirects, no cookies, and no traces, which would have the address.
/// </summary>
internal sealed class GuardedTransport(AddressGuard guard, NameLookup lookup) : IDisposable
{
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(2);
    private const int LongestHeadersKiB = 16;
    private const int MostDrained = 64 * 1024;

    private readonly HttpMessageInvoker invoker = new(Create(guard, lookup));

    /// <summary>Returns when the headers of the answer are here.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => invoker.SendAsync(request, cancellationToken);

    public void Dispose() => invoker.Dispose();

    private static SocketsHttpHandler Create(AddressGuard guard, NameLookup lookup) => new()
    {
        ConnectCallback = (context, cancellationToken) => ConnectAsync(guard, lookup, context.DnsEndPoint, cancellationToken),
        UseProxy = false,
        AllowAutoRedirect = false,
        UseCookies = false,
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = ConnectionLifetime,
        MaxResponseHeadersLength = LongestHeadersKiB,
        MaxResponseDrainSize = MostDrained,
    };

    private static async ValueTask<Stream> ConnectAsync(AddressGuard guard, NameLookup lookup, DnsEndPoint endpoint, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(endpoint.Host, out var literal) ? [literal] : await lookup(endpoint.Host, cancellationToken);

        // One that is not allowed is reason enough: an honest name has none.
        if (addresses.Length == 0 || !addresses.All(guard.Allows))
        {
            throw new AddressNotAllowedException();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, endpoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>All addresses of a name.</summary>
internal delegate Task<IPAddress[]> NameLookup(string host, CancellationToken cancellationToken);

/// <summary>A receiver's name stands for an address where nothing may be sent.</summary>
internal sealed class AddressNotAllowedException() : Exception("The address is not allowed.");
