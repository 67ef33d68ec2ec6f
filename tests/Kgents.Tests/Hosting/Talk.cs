using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;

namespace Kgents.Tests.Hosting;

/// <summary>What a client says to Kgents.</summary>
internal static class Talk
{
    public static async Task<string> CreateSessionAsync(this HttpClient client, string? mode = null)
    {
        using var response = await client.PostAsJsonAsync("/v1/kgent/sessions", new { mode = mode ?? "reflect" }, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
    }

    /// <summary>Posts a message and returns when the response's headers are there.</summary>
    public static Task<HttpResponseMessage> PostAsync(this HttpClient client, string session, string message, bool stream = true) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(new { message, stream }) },
        HttpCompletionOption.ResponseHeadersRead,
        TestContext.Current.CancellationToken);

    /// <summary>Posts a message and reads its stream to the end.</summary>
    public static async Task<IReadOnlyList<SseFrame>> SayAsync(this HttpClient client, string session, string message)
    {
        using var response = await client.PostAsync(session, message);
        response.EnsureSuccessStatusCode();
        return await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    public static async Task<IReadOnlyList<JsonElement>> MessagesAsync(this HttpClient client, string session)
    {
        var page = await client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}/messages?limit=100", TestContext.Current.CancellationToken);
        return [.. page.GetProperty("messages").EnumerateArray()];
    }
}
