using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Documentation;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Webhooks;

/// <summary>A nats-server, an API with tenants and a receiver; who sends is a host that each test starts as it needs it.</summary>
public abstract class WebhookTest : IAsyncLifetime
{
    private static readonly MarkdownPage Page = MarkdownPage.Read("webhooks.md");

    private static readonly (string Key, string? Value)[] Hurried =
        [("Webhooks:AllowedNetworks", "127.0.0.0/8"), ("Webhooks:Schedule", "00:00:00,00:00:00.050,00:00:00.100"), ("Metering:Ledger:PollInterval", "00:00:00.050")];

    private protected NatsServer Nats { get; private set; } = null!;

    private protected WebhookReceiver Receiver { get; private set; } = null!;

    private protected KgentsHost Api { get; private set; } = null!;

    /// <summary>Of the tenant <c>acme</c>.</summary>
    private protected HttpClient Acme { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        Receiver = await WebhookReceiver.StartAsync(TestContext.Current.CancellationToken);
        Api = await KgentsHost.StartAsync(Nats.Url, Parts.Api, [("Webhooks:AllowHttp", "true"), .. ApiSettings]);
        Acme = await Api.NewClientAsync("acme", "admin");
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var request in Receiver.Received.DistinctBy(each => each.Type))
        {
            var row = Page.Table("Events").Single(each => each[0] == $"`{request.Type}`");
            Assert.Equal(MarkdownPage.Codes(row[2]), request.Data.EnumerateObject().Select(field => field.Name));
        }

        Acme.Dispose();
        await Api.DisposeAsync();
        await Receiver.DisposeAsync();
        await Nats.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected virtual (string Key, string? Value)[] ApiSettings => [];

    /// <summary>A host that sends to loopback, and in a hurry.</summary>
    private protected static Task<KgentsHost> StartSendingAsync(string natsUrl, params (string Key, string? Value)[] settings) => StartSendingAsync(natsUrl, TimeProvider.System, settings);

    private protected static Task<KgentsHost> StartSendingAsync(string natsUrl, TimeProvider time, params (string Key, string? Value)[] settings) => KgentsHost.StartAsync(
        natsUrl, Parts.Metering, time, [.. Hurried.ExceptBy(settings.Select(setting => setting.Key), setting => setting.Key), .. settings]);

    private protected Task<KgentsHost> StartSendingAsync(params (string Key, string? Value)[] settings) => StartSendingAsync(Nats.Url, settings);

    /// <summary>A new webhook at a path of the receiver, with its id and secret.</summary>
    private protected Task<(string Id, string Secret)> NewWebhookAsync(string path, params string[] events) => NewWebhookAsync(Acme, new Uri(Receiver.Address, path).ToString(), events);

    private protected static async Task<(string Id, string Secret)> NewWebhookAsync(HttpClient client, string url, params string[] events)
    {
        using var response = await client.PostAsJsonAsync("/v1/webhooks", new { url, events = events.Length == 0 ? null : events }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var webhook = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return (webhook.GetProperty("id").GetString()!, webhook.GetProperty("secret").GetString()!);
    }

    /// <summary>Sends it a test event; the event's id.</summary>
    private protected static async Task<string> TestAsync(HttpClient client, string webhook)
    {
        using var response = await client.PostAsync(new Uri($"/v1/webhooks/{webhook}/test", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("delivery_id").GetString()!;
    }

    private protected Task<string> TestAsync(string webhook) => TestAsync(Acme, webhook);

    /// <summary>Waits until a delivery is in a state, and returns it.</summary>
    private protected async Task<JsonElement> BecomesAsync(string webhook, string delivery, string state)
    {
        JsonElement found = default;
        await Eventually.TrueAsync(async () =>
        {
            var all = await GetAsync(Acme, $"/v1/webhooks/{webhook}/deliveries");
            found = all.GetProperty("deliveries").EnumerateArray().FirstOrDefault(each => each.GetProperty("id").GetString() == delivery);
            return found.ValueKind == JsonValueKind.Object && found.GetProperty("state").GetString() == state;
        });
        return found;
    }

    private protected static Task<JsonElement> GetAsync(HttpClient client, string path) => client.GetFromJsonAsync<JsonElement>(path, TestContext.Current.CancellationToken);

    private protected static async Task<(int Status, JsonElement Body)> SendAsync(HttpClient client, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonElement.Parse(text));
    }

    /// <summary>Of each try its status, or why there was none.</summary>
    private protected static IEnumerable<string> Attempts(JsonElement delivery) => delivery.GetProperty("attempts").EnumerateArray()
        .Select(attempt => attempt.TryGetProperty("status", out var status) ? $"{status}" : attempt.GetProperty("error").GetString()!);
}
