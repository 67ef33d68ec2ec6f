using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kgents.Api.Edge;

/// <summary>What Kestrel reads of a stranger before anybody knows who that is, where its own limits are wider than any client of this API needs.</summary>
internal static class ServerLimits
{
    /// <summary>Where an endpoint does not say otherwise: it takes no body, or a small one.</summary>
    public const int LargestBody = 16 * 1024;

    public const int LargestHeaders = 16 * 1024;
    public const int MostHeaders = 64;

    /// <summary>For all headers of a request to come.</summary>
    public static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);

    public static void AddServerLimits(this IServiceCollection services) => services.Configure<KestrelServerOptions>(kestrel =>
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = LargestBody;
        kestrel.Limits.MaxRequestHeadersTotalSize = LargestHeaders;
        kestrel.Limits.MaxRequestHeaderCount = MostHeaders;
        kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
    });
}
