using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.ServiceDefaults.Webhooks;

/// <summary>What API and metering share of webhooks.</summary>
public static class WebhookSetup
{
    public static IServiceCollection AddWebhookStores(this IServiceCollection services) => services
        .AddTopology([Streams.WebhookEvents], [Buckets.WebhookRecords, Buckets.WebhookDeliveryRecords])
        .AddSingleton<WebhookStore>()
        .AddSingleton<WebhookDeliveries>()
        .AddSingleton<WebhookEvents>();
}
