using Kgents.Contracts;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Webhooks;

/// <summary>A tenant whose use is written as if turns had used it.</summary>
public abstract class WebhookEventTest : WebhookTest
{
    private protected static readonly TenantId Tenant = TenantId.Parse("acme");
    private protected static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    private protected TenantQuota Quota => Api.Services.GetRequiredService<TenantQuota>();

    private protected override (string Key, string? Value)[] ApiSettings => [("Plans:Table:small:TokensPerMonth", "4000"), ("Plans:Table:small:Budgets", "dialogue"), ("Plans:Table:small:DefaultBudget", "dialogue")];

    private protected async Task<ulong> PublishAsync(string subject, byte[] payload)
    {
        var ack = await Api.JetStream.PublishAsync(subject, payload, NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        return ack.Seq;
    }

    /// <summary>Waits until all that is stored now was looked at by somebody, and what was told of it has arrived.</summary>
    private protected async Task LookedAtAsync()
    {
        (string Stream, string Consumer)[] feeds = [(Subjects.KeyValueStream(Buckets.Quota), WebhookFeed.Quotas), (Streams.WebhookEvents.Name, WebhookFeed.Events)];
        foreach (var (stream, consumer) in feeds)
        {
            await Eventually.TrueAsync(async () =>
            {
                try
                {
                    var info = (await Api.JetStream.GetConsumerAsync(stream, consumer, TestContext.Current.CancellationToken)).Info;
                    return info is { NumPending: 0, NumAckPending: 0 };
                }
                catch (NatsJSApiException)
                {
                    // Nobody has created it again yet.
                    return false;
                }
            });
        }

        var (id, _) = await NewWebhookAsync("/last");
        await BecomesAsync(id, await TestAsync(id), "delivered");
        await SendAsync(Acme, HttpMethod.Delete, $"/v1/webhooks/{id}");
    }
}
