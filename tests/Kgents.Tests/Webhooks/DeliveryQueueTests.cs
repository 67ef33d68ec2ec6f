using Kgents.Contracts;
using Kgents.Metering.Webhooks.Sending;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Webhooks;

public sealed class DeliveryQueueTests
{
    private static readonly DateTimeOffset Due = TimeProvider.System.GetUtcNow().AddMinutes(-10);

    [Fact(Timeout = Limits.Test)]
    public async Task Tenant_HasSoManyAtOnce_AndOthersGoBeforeTheRestOfIt()
    {
        var queue = new DeliveryQueue(Options.Create(new WebhookDeliveryOptions { ConcurrencyPerTenant = 2, ConcurrencyPerWebhook = 1 }), TimeProvider.System);
        DeliveryAddress[] slow = [.. Enumerable.Range(1, 3).Select(number => Address("slow", number))];
        var other = Address("other", 4);
        foreach (var (address, minute) in slow.Append(other).Select((address, minute) => (address, minute)))
        {
            queue.Set(address, Due.AddMinutes(minute), 1);
        }

        await using var taking = queue.TakeAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var taken = new List<DeliveryAddress> { await NextAsync(), await NextAsync(), await NextAsync() };
        Assert.Equal([slow[0], slow[1], other], taken);

        var fourth = NextAsync();
        Assert.False(fourth.IsCompleted);
        queue.Done(other);
        Assert.Equal(other, await fourth);
        fourth = NextAsync();
        Assert.False(fourth.IsCompleted);
        queue.Set(slow[1], null, 2);
        queue.Done(slow[1]);
        Assert.Equal(slow[2], await fourth);

        async Task<DeliveryAddress> NextAsync()
        {
            Assert.True(await taking.MoveNextAsync());
            return taking.Current;
        }
    }

    private static DeliveryAddress Address(string tenant, int number) =>
        new(TenantId.Parse(tenant), WebhookId.Parse($"w-{number:d32}"), WebhookEventId.Parse($"e-{number:d32}"));
}
