using System.Net;
using System.Net.Http.Json;
using Kgents.Api.Edge;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Edge;

/// <summary>What a browser is told of every answer, whoever gives it.</summary>
public sealed class AnswerHeadersTests
{
    [Fact(Timeout = Limits.Test)]
    public async Task EveryAnswer_HasTheHeaders_AndTellsNotWhoServes()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        using var anonymous = host.ClientWith(null);
        var session = await host.Client.CreateSessionAsync();

        await HasThemAsync(HttpStatusCode.Created, host.Client.PostAsJsonAsync("/v1/keys", new { name = "new" }, TestContext.Current.CancellationToken));
        await HasThemAsync(HttpStatusCode.OK, host.Client.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken));
        await HasThemAsync(HttpStatusCode.Unauthorized, anonymous.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken));
        await HasThemAsync(HttpStatusCode.NotFound, anonymous.GetAsync(new Uri("/nothing", UriKind.Relative), TestContext.Current.CancellationToken));
        await HasThemAsync(HttpStatusCode.MethodNotAllowed, anonymous.DeleteAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken));
        await HasThemAsync(HttpStatusCode.BadRequest, host.Client.PostAsync(new Uri("/v1/keys", UriKind.Relative), new StringContent("{", null, "application/json"), TestContext.Current.CancellationToken), "no-cache,no-store");
        await HasThemAsync(HttpStatusCode.OK, anonymous.GetAsync(new Uri("/health/live", UriKind.Relative), TestContext.Current.CancellationToken), "no-store, no-cache");
        await HasThemAsync(
            HttpStatusCode.OK,
            host.Client.GetAsync(new Uri($"/v1/kgent/sessions/{session}/events", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken),
            "no-cache, no-transform");
        await nats.DisposeAsync();
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode == HttpStatusCode.ServiceUnavailable);
        await HasThemAsync(HttpStatusCode.ServiceUnavailable, host.Client.GetAsync(new Uri("/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken));
    }

    private static async Task HasThemAsync(HttpStatusCode status, Task<HttpResponseMessage> answer, string cacheControl = "no-store")
    {
        using var response = await answer;
        Assert.Equal(status, response.StatusCode);
        foreach (var (name, value) in AnswerHeaders.Defaults)
        {
            Assert.Equal((name, name == "Cache-Control" ? cacheControl : value), (name, response.Headers.NonValidated[name].ToString()));
        }

        Assert.False(response.Headers.NonValidated.Contains("Server"));
    }
}
