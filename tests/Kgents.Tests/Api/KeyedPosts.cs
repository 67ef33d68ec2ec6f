using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>Posts with an <c>Idempotency-Key</c>, and what the streams hold after them.</summary>
internal static class KeyedPosts
{
    public static Task<HttpResponseMessage> PostAsync(this HttpClient client, string session, string key, object body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages") { Content = JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public static bool IsReplayed(this HttpResponseMessage response) => response.Headers.TryGetValues("Idempotency-Replayed", out var values) && values.Single() == "true";

    /// <summary>Reads the response's stream to the end.</summary>
    public static async Task<Turn> TurnAsync(this HttpResponseMessage response)
    {
        using (response)
        {
            response.EnsureSuccessStatusCode();
            return new Turn(await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        }
    }

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        using (response)
        {
            return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The turns of the stored user messages of a session.</summary>
    public static async Task<IReadOnlyList<TurnId>> AskedAsync(this KgentsHost host, string session) =>
        [.. (await host.Client.MessagesAsync(session)).Where(message => message.GetProperty("role").GetString() == "user").Select(message => TurnId.Parse(message.GetProperty("turn_id").GetString()!))];

    /// <summary>How many entries of keys there are; marks of deleted ones do not count.</summary>
    public static async Task<int> EntriesAsync(this KgentsHost host) =>
        await host.Reader.ReadAsync(Subjects.KeyValueStream(Buckets.Idempotency), Subjects.KeyValue(Buckets.Idempotency, "*"), 1, 0, TestContext.Current.CancellationToken)
            .CountAsync(entry => entry.Data.Length > 0, TestContext.Current.CancellationToken);
}
