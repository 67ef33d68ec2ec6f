using System.Text.Json;
using Kgents.Contracts;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Webhooks;

/// <summary>Webhooks over HTTP: what may be set, what is shown, and to whom.</summary>
public sealed class WebhookEndpointTests : WebhookTest
{
    private protected override (string Key, string? Value)[] ApiSettings => [("Webhooks:MaxPerTenant", "3")];

    [Fact(Timeout = Limits.Test)]
    public async Task Secret_IsShownOnce()
    {
        var (status, created) = await SendAsync(Acme, HttpMethod.Post, "/v1/webhooks", new { url = "https://example.com/hook?token=1", events = new[] { "usage.limit.reset", "usage.limit.reset" }, description = "ours" });
        Assert.Equal(201, status);
        var (id, secret) = (created.GetProperty("id").GetString()!, created.GetProperty("secret").GetString()!);
        Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", secret);
        Assert.Equal(["usage.limit.reset"], created.GetProperty("events").EnumerateArray().Select(each => each.GetString()));

        string[] later =
        [
            (await GetAsync(Acme, $"/v1/webhooks/{id}")).GetRawText(),
            (await GetAsync(Acme, "/v1/webhooks")).GetRawText(),
            (await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { description = "" })).Body.GetRawText(),
        ];
        Assert.All(later, text => Assert.Equal((true, false), (text.Contains(id, StringComparison.Ordinal), text.Contains("whsec", StringComparison.Ordinal))));
        Assert.DoesNotContain("ours", later[2], StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Webhook_WithoutChoice_IsToldOfAll_AndCanBeChangedAndDeleted()
    {
        var (id, _) = await NewWebhookAsync(Acme, "https://example.com/1");
        Assert.Equal(WebhookEventTypes.Choices, (await GetAsync(Acme, $"/v1/webhooks/{id}")).GetProperty("events").EnumerateArray().Select(each => each.GetString()!));

        var (status, changed) = await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { url = "https://example.com/2", enabled = false });
        Assert.Equal((200, "https://example.com/2", false, "by_hand"), (status, changed.GetProperty("url").GetString(), changed.GetProperty("enabled").GetBoolean(), changed.GetProperty("disabled_reason").GetString()));
        var (_, enabled) = await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { enabled = true });
        Assert.Equal((true, false), (enabled.GetProperty("enabled").GetBoolean(), enabled.TryGetProperty("disabled_at", out _)));

        Assert.Equal(204, (await SendAsync(Acme, HttpMethod.Delete, $"/v1/webhooks/{id}")).Status);
        Assert.Equal(404, (await SendAsync(Acme, HttpMethod.Delete, $"/v1/webhooks/{id}")).Status);
        Assert.Equal(404, (await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/rotate")).Status);
        Assert.Empty((await GetAsync(Acme, "/v1/webhooks")).GetProperty("webhooks").EnumerateArray());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Number_IsBounded()
    {
        for (var n = 0; n < 3; n++)
        {
            await NewWebhookAsync(Acme, $"https://example.com/{n}");
        }

        var (status, problem) = await SendAsync(Acme, HttpMethod.Post, "/v1/webhooks", new { url = "https://example.com/" });

        Assert.Equal((409, "urn:kgents:problem:too-many-webhooks", 3), (status, problem.GetProperty("type").GetString(), problem.GetProperty("limit").GetInt32()));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("""{}""", "url")]
    [InlineData("""{"url":"example.com"}""", "url")]
    [InlineData("""{"url":"/hook"}""", "url")]
    [InlineData("""{"url":"ftp://example.com/"}""", "url")]
    [InlineData("""{"url":"file:///etc/passwd"}""", "url")]
    [InlineData("""{"url":"https://"}""", "url")]
    [InlineData("""{"url":"https://user:password@example.com/"}""", "url")]
    [InlineData("""{"url":"https://example.com/#part"}""", "url")]
    [InlineData("""{"url":"https://example.com:25/"}""", "url")]
    [InlineData("""{"url":"https://exa mple.com/"}""", "url")]
    [InlineData("""{"url":"https://example.com/\r\nX-Evil: 1"}""", "url")]
    [InlineData("""{"url":"https://exämple.com/"}""", "url")]
    [InlineData("""{"url":"https://example.com/","events":[]}""", "events")]
    [InlineData("""{"url":"https://example.com/","events":["usage.*"]}""", "events")]
    [InlineData("""{"url":"https://example.com/","events":["webhook.test"]}""", "events")]
    [InlineData("""{"url":"https://example.com/","events":[null]}""", "events")]
    public async Task Webhook_ThatCannotBe_IsRefused_AndNothingIsStored(string body, string field)
    {
        var before = await StoredState.ReadAsync(Api);

        var (status, problem) = await SendAsync(Acme, HttpMethod.Post, "/v1/webhooks", JsonElement.Parse(body));

        Assert.Equal((422, field), (status, problem.GetProperty("errors").EnumerateObject().Single().Name));
        Assert.Equal(before, await StoredState.ReadAsync(Api));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task PlainHttp_IsRefused_UnlessTheOperatorAllowsIt()
    {
        await using var strict = await KgentsHost.StartAsync(Nats.Url, Parts.Api, ("Auth:BootstrapKey", null));
        using var acme = strict.ClientWith(Acme.DefaultRequestHeaders.Authorization!.Parameter);
        await Eventually.TrueAsync(async () => (await SendAsync(acme, HttpMethod.Get, "/v1/webhooks")).Status == 200);

        var (status, problem) = await SendAsync(acme, HttpMethod.Post, "/v1/webhooks", new { url = "http://example.com/" });

        Assert.Equal((422, "url: must be an absolute https address, in ASCII"), (status, problem.GetProperty("detail").GetString()));
        Assert.Equal(201, (await SendAsync(Acme, HttpMethod.Post, "/v1/webhooks", new { url = "http://example.com/" })).Status);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tenants_NeverMeet()
    {
        using var other = await Api.NewClientAsync("other", "admin");
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/acme");
        var (theirs, _) = await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString());
        var test = await TestAsync(id);
        await BecomesAsync(id, test, "delivered");

        string[] asked =
        [
            $"GET /v1/webhooks/{id}", $"PATCH /v1/webhooks/{id}", $"DELETE /v1/webhooks/{id}", $"POST /v1/webhooks/{id}/rotate", $"POST /v1/webhooks/{id}/test",
            $"GET /v1/webhooks/{id}/deliveries", $"POST /v1/webhooks/{id}/deliveries/{test}/redeliver", $"POST /v1/webhooks/{theirs}/deliveries/{test}/redeliver",
        ];
        foreach (var (method, path) in asked.Select(each => (each.Split(' ')[0], each.Split(' ')[1])))
        {
            Assert.Equal((path, 404), (path, (await SendAsync(other, new HttpMethod(method), path, method == "PATCH" ? new { enabled = false } : null)).Status));
        }

        Assert.Equal([theirs], (await GetAsync(other, "/v1/webhooks")).GetProperty("webhooks").EnumerateArray().Select(webhook => webhook.GetProperty("id").GetString()));
        Assert.Empty((await GetAsync(other, $"/v1/webhooks/{theirs}/deliveries")).GetProperty("deliveries").EnumerateArray());
        Assert.True((await GetAsync(Acme, $"/v1/webhooks/{id}")).GetProperty("enabled").GetBoolean());
        Assert.Empty(Receiver.At("/other"));
    }
}
