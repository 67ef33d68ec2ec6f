using Kgents.Tests.Hosting;

namespace Kgents.Tests.Webhooks;

/// <summary>Replicas share the work, and restarts forget nothing.</summary>
public sealed class WebhookReplicaTests : WebhookTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task EachEvent_IsSentOnce_ByTwoReplicas()
    {
        await using var one = await StartSendingAsync();
        await using var two = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/hook");

        var tests = new List<string>();
        for (var n = 0; n < 25; n++)
        {
            tests.Add(await TestAsync(id));
        }

        foreach (var test in tests)
        {
            Assert.Equal(["204"], Attempts(await BecomesAsync(id, test, "delivered")));
        }

        Assert.Equivalent(tests, Receiver.Received.Select(request => request.Id), strict: true);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatWaits_IsSent_ByWhoComesAfter()
    {
        var (id, _) = await NewWebhookAsync("/hook");
        var early = await TestAsync(id);
        Receiver.Answer("/hook", 503);
        await using (var first = await StartSendingAsync(("Webhooks:Schedule", "00:00:00,00:00:02,00:00:02")))
        {
            await Eventually.TrueAsync(() => Receiver.Received.Count == 1);
        }

        Receiver.Answer("/hook", 200);
        await using var second = await StartSendingAsync(("Webhooks:Schedule", "00:00:00,00:00:02,00:00:02"));

        Assert.Equal(["503", "200"], Attempts(await BecomesAsync(id, early, "delivered")));
        Assert.Equal([early, early], Receiver.Received.Select(request => request.Id));
    }
}
