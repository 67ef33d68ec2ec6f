using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;

namespace Kgents.Bench.Systems;

/// <summary>A turn as a client names it.</summary>
internal sealed record BenchTurn(string Session, string Id);

/// <summary>Talks to one API process.</summary>
internal sealed class BenchClient : IDisposable
{
    private readonly HttpClient http;

    public BenchClient(ServiceProcess process, string key)
    {
        Process = process;
        http = new HttpClient { BaseAddress = process.Address, Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public ServiceProcess Process { get; }

    /// <summary>The API takes its first key from NATS a moment after it listens.</summary>
    public async Task WaitUntilKnownAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        while (true)
        {
            using var response = await http.GetAsync("/v1/kgent/sessions?limit=1", cancellationToken);
            if (response.StatusCode is HttpStatusCode.OK)
            {
                return;
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>A turn in a session of its own, and its stream.</summary>
    public async Task<(BenchTurn Turn, HttpResponseMessage Stream)> BeginAsync(CancellationToken cancellationToken)
    {
        using var created = (await http.PostAsync("/v1/kgent/sessions", null, cancellationToken)).EnsureSuccessStatusCode();
        var session = (await created.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("id").GetString()!;
        var message = new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message = "Go." }) };
        var stream = (await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken)).EnsureSuccessStatusCode();

        var page = await http.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/messages?limit=1", cancellationToken);
        return (new BenchTurn(session, page.GetProperty("messages")[0].GetProperty("turn_id").GetString()!), stream);
    }

    public async Task<HttpResponseMessage> FollowAsync(BenchTurn turn, ulong after, CancellationToken cancellationToken) =>
        (await http.GetAsync(
            $"/v1/kgent/sessions/{turn.Session}/turns/{turn.Id}/events?after={after}", HttpCompletionOption.ResponseHeadersRead, cancellationToken)).EnsureSuccessStatusCode();

    /// <param name="speed"><c>1</c>, <c>4</c> or <c>max</c>.</param>
    public async Task<HttpResponseMessage> ReplayAsync(BenchTurn turn, string speed, CancellationToken cancellationToken)
    {
        var body = new { path = "time.trace.replay", kwargs = new { session_id = turn.Session, turn_id = turn.Id, speed } };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/agentese/invoke") { Content = JsonContent.Create(body) };
        return (await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)).EnsureSuccessStatusCode();
    }

    public async Task CancelAsync(BenchTurn turn, CancellationToken cancellationToken)
    {
        using var _ = await http.PostAsync($"/v1/kgent/sessions/{turn.Session}/turns/{turn.Id}/cancel", null, cancellationToken);
    }

    public async Task PostAsync(string path, CancellationToken cancellationToken)
    {
        using var response = (await http.PostAsync(path, null, cancellationToken)).EnsureSuccessStatusCode();
    }

    public Task<HttpResponseMessage> GetAsync(string path, CancellationToken cancellationToken) =>
        http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public void Dispose() => http.Dispose();
}
