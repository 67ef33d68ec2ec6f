using System.Net;
using Kgents.Contracts;
using Kgents.Metering.Telemetry;
using Kgents.Metering.Webhooks.Events;
using Kgents.Metering.Webhooks.Sending;
using Kgents.ServiceDefaults.Nats;
using Kgents.ServiceDefaults.Webhooks;
using Microsoft.Extensions.Options;

namespace Kgents.Metering.Webhooks;

internal static class WebhookWorkers
{
    public static void AddWebhooks(this IServiceCollection services)
    {
        services.AddTopology([Streams.DeadLetters], [Buckets.QuotaRecords]).AddWebhookStores();
        services.AddOptionsWithValidateOnStart<WebhookDeliveryOptions, WebhookDeliveryOptionsValidator>().BindConfiguration(WebhookDeliveryOptions.SectionName);
        services.AddSingleton<IValidateOptions<WebhookDeliveryOptions>, WebhookListsValidator>();
        services
            .AddSingleton<AddressGuard>()
            .AddSingleton<NameLookup>(Dns.GetHostAddressesAsync)
            .AddSingleton<GuardedTransport>()
            .AddSingleton<WebhookClient>()
            .AddSingleton<RetryPlan>()
            .AddSingleton<DeliveryQueue>()
            .AddSingleton<WebhookMetrics>()
            .AddSingleton<WebhookSender>()
            .AddSingleton<WebhookFeed>()
            .AddSingleton<WebhookFanOut>()
            .AddSingleton<QuotaEvents>()
            .AddSingleton<QuotaResets>()
            .AddSingleton<LetterEvents>()
            .AddSingleton<DelayedUsage>()
            .AddSingleton<MismatchEvents>()
            .AddHostedService<DeliveryWatch>()
            .AddHostedService<WebhookSendWorker>()
            .AddHostedService<WebhookEventWorker>()
            .AddHostedService<QuotaResetWorker>();
    }
}
