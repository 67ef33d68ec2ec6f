using System.Net;
using System.Text.RegularExpressions;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>The page that shows the document comes from here alone, and may do nothing else.</summary>
public sealed partial class ApiPageTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost host = null!;
    private HttpClient anybody = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        anybody = host.ClientWith(null);
    }

    public async ValueTask DisposeAsync()
    {
        anybody.Dispose();
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Page_ShowsTheDocument_WithNothingFromElsewhere()
    {
        using var response = await anybody.GetAsync("/scalar", TestContext.Current.CancellationToken);
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, "text/html"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("openapi/v1.json", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("https?://", page);
        foreach (var script in Sources.Matches(page).Select(source => source.Groups[1].Value))
        {
            using var served = await anybody.GetAsync(new Uri(response.RequestMessage!.RequestUri!, script), TestContext.Current.CancellationToken);
            Assert.Equal((HttpStatusCode.OK, "text/javascript"), (served.StatusCode, served.Content.Headers.ContentType?.MediaType));
        }

        Assert.NotEmpty(Sources.Matches(page));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Page_RunsOnlyItsOwnScripts()
    {
        var nonces = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            using var response = await anybody.GetAsync("/scalar/", TestContext.Current.CancellationToken);
            var policy = Assert.Single(response.Headers.GetValues("Content-Security-Policy"));
            var nonce = Nonce.Match(policy).Groups[1].Value;

            Assert.StartsWith("default-src 'none'; ", policy, StringComparison.Ordinal);
            Assert.Contains($"script-src 'self' 'nonce-{nonce}';", policy, StringComparison.Ordinal);
            Assert.Contains("connect-src 'self';", policy, StringComparison.Ordinal);
            Assert.True(response.Headers.CacheControl?.NoStore);
            var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.Equal(Script.Count(page), Regex.Count(page, $"nonce=\"{nonce}\""));
            nonces.Add(nonce);
        }

        Assert.Equal(2, nonces.Count);
    }

    [GeneratedRegex("<script[^>]* src=\"([^\"]+)\"")]
    private static partial Regex Sources { get; }

    [GeneratedRegex("<script")]
    private static partial Regex Script { get; }

    [GeneratedRegex("'nonce-([A-Za-z0-9_-]{22})'")]
    private static partial Regex Nonce { get; }
}
