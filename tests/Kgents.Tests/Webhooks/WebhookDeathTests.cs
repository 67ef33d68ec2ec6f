using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Webhooks;

/// <summary>What if who sends dies here? At each write of a delivery one replica is cut off from NATS for ever, and another goes on: the receiver gets the event, under the same id.</summary>
public abstract class WebhookDeathTests(CutPoint point) : WebhookTest
{
    /// <summary>The delivery is made, claimed, and what became of it is recorded.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Event_Arrives_WhenAReplicaDiesAtAWrite(int write)
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var doomed = await StartSendingAsync(proxy.Url, ("Webhooks:Timeout", "00:00:01"));
        var (id, secret) = await NewWebhookAsync("/hook");
        proxy.CutAt(write, point, subject => subject.StartsWith("$KV.kgents_webhook_deliveries.", StringComparison.Ordinal));

        var test = await TestAsync(id);
        await proxy.CutHappened.WaitAsync(TestContext.Current.CancellationToken);
        doomed.Forsake();

        // To whom what was claimed was claimed long ago.
        await using var heir = await StartSendingAsync(Nats.Url, new ShiftedTime { Ahead = TimeSpan.FromMinutes(1) }, ("Webhooks:Timeout", "00:00:01"));
        var delivery = await BecomesAsync(id, test, "delivered");

        // Only who had sent and could not say so is followed by one who sends again.
        Assert.Equal(write == 3 && point == CutPoint.BeforeForward ? 2 : 1, Receiver.Received.Count);
        Assert.All(Receiver.Received, request => Assert.Equal((test, true), (request.Id, request.IsSignedWith(secret))));
        Assert.Equal(["204"], Attempts(delivery));
    }
}

[TakesSeconds(31)]
public sealed class WebhookDeathBeforeTheServerHasIt() : WebhookDeathTests(CutPoint.BeforeForward);

public sealed class WebhookDeathBeforeTheReplicaKnows() : WebhookDeathTests(CutPoint.BeforeReply);
