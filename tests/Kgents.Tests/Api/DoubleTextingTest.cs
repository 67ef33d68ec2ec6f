using System.Net.Http.Json;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>Two services, and a model.</summary>
public abstract class DoubleTextingTest : TurnTest
{
    private protected KgentsHost first = null!;
    private protected KgentsHost second = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        first = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("ConnectionStrings:llm", Model.ConnectionString), ("Messages:MaxQueued", "5"));
        second = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Messages:MaxQueued", "5"));
    }

    public override async ValueTask DisposeAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static Task<HttpResponseMessage> PostAsync(KgentsHost host, string session, string message, string policy) => host.Client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message, on_busy = policy }) },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);
}
