using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Talk;

/// <summary>What a client says to Kgents over HTTP.</summary>
public sealed class KgentsClient : IDisposable
{
    public KgentsClient(Uri address, string? key)
    {
        Http = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
        Http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
    }

    public HttpClient Http { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The API takes its first key from NATS a moment after it listens.</summary>
    public Task WaitUntilKnownAsync() => Eventually.TrueAsync(async () =>
    {
        using var response = await Http.GetAsync("/v1/kgent/sessions?limit=1", Token);
        return response.StatusCode is HttpStatusCode.OK;
    });

    public async Task<string> CreateSessionAsync(string mode = "reflect")
    {
        using var response = await Http.PostAsJsonAsync("/v1/kgent/sessions", new { mode }, Token);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(Token)).Text("id");
    }

    public Task<JsonElement> SessionAsync(string session) => Http.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}", Token);

    public async Task<IReadOnlyList<JsonElement>> SessionsAsync() =>
        [.. (await Http.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions?limit=100", Token)).GetProperty("sessions").EnumerateArray()];

    public async Task<IReadOnlyList<JsonElement>> MessagesAsync(string session) =>
        [.. (await Http.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/messages?limit=100", Token)).GetProperty("messages").EnumerateArray()];

    /// <summary>Posts a message and returns when the headers are there.</summary>
    public Task<HttpResponseMessage> PostAsync(string session, object body) => Http.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(body) },
        HttpCompletionOption.ResponseHeadersRead,
        Token);

    /// <summary>Posts a message and opens its stream.</summary>
    public async Task<TurnReader> FollowAsync(string session, string message)
    {
        var response = await PostAsync(session, new { message });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new TurnReader(response);
    }

    /// <summary>Opens a stream of events after the last one that a client has.</summary>
    public async Task<TurnReader> ResumeAsync(string path, ulong lastEventId)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Last-Event-ID", $"{lastEventId}");
        var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new TurnReader(response);
    }

    /// <summary>Posts a message and reads its stream to the end.</summary>
    public async Task<IReadOnlyList<SseFrame>> SayAsync(string session, string message)
    {
        await using var turn = await FollowAsync(session, message);
        return await turn.ReadToEndAsync();
    }

    /// <summary>Posts a message and waits for the whole answer.</summary>
    public async Task<JsonElement> AskAsync(string session, string message)
    {
        using var response = await PostAsync(session, new { message, stream = false });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<JsonElement>(Token);
    }

    public async Task<HttpStatusCode> HealthAsync(string kind)
    {
        using var response = await Http.GetAsync($"/health/{kind}", Token);
        return response.StatusCode;
    }

    public void Dispose() => Http.Dispose();
}
