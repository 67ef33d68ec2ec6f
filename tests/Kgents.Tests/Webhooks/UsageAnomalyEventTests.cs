using System.Text;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Kgents.Tests.Metering;

namespace Kgents.Tests.Webhooks;

/// <summary>Usage that could not be billed, or that OpenMeter does not show: its tenant is told, once.</summary>
public sealed class UsageAnomalyEventTests : WebhookEventTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task UsageThatIsQuarantined_IsToldToItsTenant()
    {
        await NewWebhookAsync("/acme", "metering.event.quarantined");
        using var other = await Api.NewClientAsync("other", "admin");
        await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString());
        await using var one = await StartSendingAsync();

        var sequence = await PublishAsync("kgents.usage.0.acme.turns", Encoding.UTF8.GetBytes("""{"id":"0815","specversion":"1.0"}"""));

        await Eventually.TrueAsync(() => Receiver.Received.Count == 1);
        var request = Receiver.At("/acme").Single();
        Assert.Equal(
            ("metering.event.quarantined", "acme", "0815", sequence),
            (request.Type, request.Data.GetProperty("tenant_id").GetString(), request.Data.GetProperty("event_id").GetString(), request.Data.GetProperty("sequence").GetUInt64()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task UsageThatOpenMeterDoesNotShow_IsToldToItsTenant_Once()
    {
        await NewWebhookAsync("/acme", "metering.delivery.delayed");
        using var other = await Api.NewClientAsync("other", "admin");
        await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString());
        await using var openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        openMeter.VisibleAfter = TimeSpan.FromHours(1);
        await using var one = await StartSendingAsync(
            ("ConnectionStrings:openmeter", openMeter.ConnectionString), ("Webhooks:DelayedAfter", "00:00:01"), ("Metering:Confirm:Probe", "false"), ("Metering:Export:BatchWait", "00:00:00.050"));

        await PublishAsync("kgents.usage.0.acme.turns", Encoding.UTF8.GetBytes(UsageSample.Event(Guid.NewGuid().ToString(), Tenant, 5)));
        await PublishAsync("kgents.usage.0.acme.turns", Encoding.UTF8.GetBytes(UsageSample.Event(Guid.NewGuid().ToString(), Tenant, 6)));

        await Eventually.TrueAsync(() => Receiver.Received.Count > 0);
        Assert.Equal("metering.delivery.delayed", Receiver.At("/acme").Single().Type);

        // The same again, by who knows nothing of it.
        var since = Receiver.Received[0].Data.GetProperty("since").GetDateTimeOffset();
        Assert.InRange(TimeProvider.System.GetUtcNow() - since, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        await one.DisposeAsync();
        await using var two = await StartSendingAsync(
            ("ConnectionStrings:openmeter", openMeter.ConnectionString), ("Webhooks:DelayedAfter", "00:00:01"), ("Metering:Confirm:Probe", "false"), ("Metering:Ledger:Lease", "00:00:02"));
        await Eventually.TrueAsync(() => two.Logs.Lines.Any(line => line.Contains("This replica meters", StringComparison.Ordinal)));
        await LookedAtAsync();
        Assert.Single(Receiver.At("/acme"));
        Assert.Empty(Receiver.At("/other"));
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.metering.differences")]
    public async Task UsageThatOpenMeterLost_IsToldToItsTenant_OnceForWhatDiffers()
    {
        await NewWebhookAsync("/acme", "metering.reconciliation.mismatch");
        using var other = await Api.NewClientAsync("other", "admin");
        await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString());
        await using var openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        (string, string?)[] settings =
        [
            ("ConnectionStrings:openmeter", openMeter.ConnectionString), ("Metering:Reconcile:Interval", "00:00:00.200"), ("Metering:Confirm:Probe", "false"),
            ("Metering:Export:BatchWait", "00:00:00.050"), ("Metering:Confirm:Interval", "00:00:00.050"),
        ];
        await using var one = await StartSendingAsync(settings);
        await using var two = await StartSendingAsync(settings);
        var ledger = new LedgerView(one);
        string[] usage = [UsageSample.Event("a", Tenant, 3), UsageSample.Event("b", Tenant, 30), UsageSample.Event("c", Tenant, 300)];
        foreach (var each in usage)
        {
            await PublishAsync("kgents.usage.0.acme.turns", Encoding.UTF8.GetBytes(each));
        }

        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).Counts.Confirmed == 3);
        openMeter.Forget("b");

        await Eventually.TrueAsync(() => Receiver.Received.Count == 1);
        Assert.Equal(
            ("metering.reconciliation.mismatch", "acme", 1, "444", "404"),
            (Receiver.Received[0].Type, Receiver.Received[0].Data.GetProperty("tenant_id").GetString(), Receiver.Received[0].Data.GetProperty("differences").GetInt32(),
                Receiver.Received[0].Data.GetProperty("ledger").GetString(), Receiver.Received[0].Data.GetProperty("open_meter").GetString()));

        // Other differences are news, and the first is not told again by anybody.
        openMeter.Forget("c");
        await Eventually.TrueAsync(() => Receiver.Received.Count == 2);
        Assert.Equal((2, "4"), (Receiver.Received[1].Data.GetProperty("differences").GetInt32(), Receiver.Received[1].Data.GetProperty("open_meter").GetString()));
        await LookedAtAsync();
        Assert.Equal(2, Receiver.At("/acme").Count);
    }
}
