using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.OpenApi;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.OpenApi;

/// <summary>An API, and the document that it serves to anybody.</summary>
public sealed class ApiDocument : IAsyncLifetime
{
    private NatsServer nats = null!;

    internal KgentsHost Host { get; private set; } = null!;

    internal JsonElement Json { get; private set; }

    internal JsonElement Schemas => Json.GetProperty("components").GetProperty("schemas");

    internal IEnumerable<DescribedOperation> Operations => Json.GetProperty("paths").EnumerateObject().SelectMany(path =>
        path.Value.EnumerateObject().Select(operation => new DescribedOperation(path.Name, $"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value)));

    /// <summary>As the code has them.</summary>
    internal IEnumerable<RouteEndpoint> Endpoints => Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/v1", StringComparison.Ordinal));

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        Host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
        Assert.Equal([], Endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<Operation>() is null).Select(NameOf));
        using var anybody = Host.ClientWith(null);
        Json = await anybody.GetFromJsonAsync<JsonElement>("/openapi/v1.json", TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await nats.DisposeAsync();
    }

    internal static string NameOf(RouteEndpoint endpoint) => $"{endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods.Single()} {endpoint.RoutePattern.RawText!.TrimEnd('/')}";

    internal static IEnumerable<string> Names(JsonElement json) => json.EnumerateObject().Select(member => member.Name);
}

internal sealed record DescribedOperation(string Path, string Name, JsonElement Json);
