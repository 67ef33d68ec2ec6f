using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Rights;

/// <summary>A webhook from its creation to its end: told, told again, changed by its tenant and disabled by its receiver.</summary>
internal sealed class WebhookWork(RightsSystem system)
{
    private HttpClient Client => system.Api.Client;

    public async Task TellAsync()
    {
        await using var receiver = await WebhookReceiver.StartAsync(TestContext.Current.CancellationToken);
        var webhook = await CreateAsync(new Uri(receiver.Address, "/there"));
        var delivery = await TestAsync(webhook);
        await Eventually.TrueAsync(async () => await StateAsync(webhook, delivery) == "delivered");
        await PostAsync($"/v1/webhooks/{webhook}/deliveries/{delivery}/redeliver");
        await PostAsync($"/v1/webhooks/{webhook}/rotate");
        await system.GetAsync("/v1/webhooks");

        receiver.Answer("/gone", 410);
        var gone = await CreateAsync(new Uri(receiver.Address, "/gone"));
        await TestAsync(gone);
        await Eventually.TrueAsync(async () => (await Client.GetFromJsonAsync<JsonElement>($"/v1/webhooks/{gone}", TestContext.Current.CancellationToken)).TryGetProperty("disabled_at", out _));
        using var deleted = await Client.DeleteAsync(new Uri($"/v1/webhooks/{gone}", UriKind.Relative), TestContext.Current.CancellationToken);
        deleted.EnsureSuccessStatusCode();
    }

    private async Task<string> CreateAsync(Uri url)
    {
        using var response = await Client.PostAsJsonAsync("/v1/webhooks", new { url }, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("id").GetString()!;
    }

    private async Task<string> TestAsync(string webhook) => (await PostAsync($"/v1/webhooks/{webhook}/test")).GetProperty("delivery_id").GetString()!;

    private async Task<string?> StateAsync(string webhook, string delivery) =>
        (await Client.GetFromJsonAsync<JsonElement>($"/v1/webhooks/{webhook}/deliveries", TestContext.Current.CancellationToken)).GetProperty("deliveries").EnumerateArray()
            .FirstOrDefault(each => each.GetProperty("id").GetString() == delivery) is { ValueKind: JsonValueKind.Object } found ? found.GetProperty("state").GetString() : null;

    private async Task<JsonElement> PostAsync(string path)
    {
        using var response = await Client.PostAsync(new Uri(path, UriKind.Relative), null, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }
}
