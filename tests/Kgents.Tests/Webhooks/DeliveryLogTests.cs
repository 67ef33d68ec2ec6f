using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Webhooks;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Webhooks;

/// <summary>The log of a webhook that is told of few of its tenant's events.</summary>
public sealed class DeliveryLogTests : WebhookTest
{
    private static readonly TenantId Tenant = TenantId.Parse("acme");

    /// <summary>More than are looked at for two pages.</summary>
    private const int Others = 2100;

    [Fact(Timeout = Limits.Test)]
    public async Task Page_IsShort_WhereFewDeliveriesAreAmongManyEvents()
    {
        var (id, _) = await NewWebhookAsync("/rare");
        var first = await DeliverAsync(id);
        await Task.WhenAll(Enumerable.Range(0, Others).Select(_ => StoreAsync(WebhookEventId.New(TimeProvider.System))));
        var last = await DeliverAsync(id);

        var pages = new List<IReadOnlyList<string?>>();
        string? next = null;
        do
        {
            var page = await GetAsync(Acme, $"/v1/webhooks/{id}/deliveries" + (next is null ? "" : $"?cursor={next}"));
            pages.Add([.. page.GetProperty("deliveries").EnumerateArray().Select(delivery => delivery.GetProperty("id").GetString())]);
            next = page.TryGetProperty("next", out var cursor) ? cursor.GetString() : null;
        }
        while (next is not null);

        Assert.Equal([[last], [], [first]], pages);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Log_IsNotReadBeyondTheCreationOfItsWebhook()
    {
        var (id, _) = await NewWebhookAsync("/new");
        await DeliverAsync(id);
        Assert.Single((await GetAsync(Acme, $"/v1/webhooks/{id}/deliveries")).GetProperty("deliveries").EnumerateArray());

        var webhooks = Api.Services.GetRequiredService<WebhookStore>();
        await webhooks.ChangeAsync(Tenant, WebhookId.Parse(id), webhook => webhook with { CreatedAt = webhook.CreatedAt.AddDays(1) }, TestContext.Current.CancellationToken);

        var page = await GetAsync(Acme, $"/v1/webhooks/{id}/deliveries");
        Assert.Equal((0, false), (page.GetProperty("deliveries").GetArrayLength(), page.TryGetProperty("next", out _)));
    }

    /// <summary>An event with a delivery for the webhook; its id.</summary>
    private async Task<string> DeliverAsync(string webhook)
    {
        var id = WebhookEventId.New(TimeProvider.System);
        var sequence = await StoreAsync(id);
        var delivery = new WebhookDelivery(WebhookEventTypes.Test, "{}", sequence, TimeProvider.System.GetUtcNow(), WebhookDeliveryState.Delivered, 1, null, []);
        await Api.Services.GetRequiredService<WebhookDeliveries>().AddAsync(new DeliveryAddress(Tenant, WebhookId.Parse(webhook), id), delivery, TestContext.Current.CancellationToken);
        return id.ToString();
    }

    private async Task<ulong> StoreAsync(WebhookEventId id)
    {
        var told = JsonSerializer.SerializeToUtf8Bytes(new WebhookEvent(WebhookEventTypes.Test, "{}"), WireJson.Default.WebhookEvent);
        return (await Api.JetStream.PublishAsync(Subjects.WebhookEvent(Tenant, id), told, cancellationToken: TestContext.Current.CancellationToken)).Seq;
    }
}
