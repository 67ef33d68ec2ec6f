using System.Net;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

/// <summary>Two replicas of the API.</summary>
public abstract class KeyTest : IAsyncLifetime
{
    private protected static readonly Uri Sessions = new("/v1/kgent/sessions?limit=1", UriKind.Relative);

    private protected NatsServer nats = null!;
    private protected KgentsHost host = null!;
    private protected KgentsHost replica = null!;

    public virtual async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        replica = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Nats:Views:MaxAge", "00:01:00"));
    }

    public virtual async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
