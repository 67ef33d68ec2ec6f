using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Agentese;

/// <summary>A host with a model that says what a test tells it to, and what clients of AGENTESE do.</summary>
public abstract class AgenteseTest : IAsyncLifetime
{
    private NatsServer nats = null!;

    private protected ScriptedModelServer Model { get; private set; } = null!;

    private protected KgentsHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        Model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        Host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming | Parts.Metering, ("ConnectionStrings:llm", Model.ConnectionString), ("Model:MaxRetries", "0"), ("Plans:Table:narrow:TokensPerMonth", "2000"), ("Plans:Table:narrow:Turns", "5"));
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Model.DisposeAsync();
        await nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>The whole answer, which must be one.</summary>
    private protected async Task<JsonElement> InvokeAsync(string path, object? kwargs = null, string? archetype = null, HttpClient? client = null, string? key = null)
    {
        using var response = await SendAsync("invoke", new { path, observer = archetype is null ? null : new { archetype }, kwargs = kwargs ?? new { } }, client, key);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
        return JsonElement.Parse(text);
    }

    private protected async Task<JsonElement> ShownAsync(string path, object? kwargs = null, string? archetype = null, HttpClient? client = null) =>
        (await InvokeAsync(path, kwargs, archetype, client)).GetProperty("result");

    /// <summary>The problem, which it must be, as its status and its name.</summary>
    private protected async Task<(int Status, string Name, JsonElement Json)> RefusedAsync(string path, object? kwargs = null, string? archetype = null, HttpClient? client = null)
    {
        using var response = await SendAsync("invoke", new { path, observer = archetype is null ? null : new { archetype }, kwargs = kwargs ?? new { } }, client);
        return await ProblemAsync(response);
    }

    private protected async Task<HttpResponseMessage> SendAsync(string what, object body, HttpClient? client = null, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/agentese/{what}") { Content = JsonContent.Create(body, options: Written) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await (client ?? Host.Client).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private protected static async Task<(int Status, string Name, JsonElement Json)> ProblemAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.Content.Headers.ContentType?.MediaType == "application/problem+json", text);
        var problem = JsonElement.Parse(text);
        return ((int)response.StatusCode, problem.GetProperty("type").GetString()!.Split(':')[^1], problem);
    }

    private protected async Task<JsonElement> GetAsync(string path, HttpClient? client = null) =>
        await (client ?? Host.Client).GetFromJsonAsync<JsonElement>($"/v1/agentese/{path}", TestContext.Current.CancellationToken);

    private protected static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private protected static IReadOnlyList<string> Texts(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(each => each.GetString()!)];

    private static readonly JsonSerializerOptions Written = new() { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };
}
