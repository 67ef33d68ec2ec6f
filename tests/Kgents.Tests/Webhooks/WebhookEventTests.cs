using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Webhooks;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Kgents.Tests.Metering;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Webhooks;

/// <summary>What tenants are told of: once each, by any number of replicas and over every restart, and each tenant of its own.</summary>
public sealed class WebhookEventTests : WebhookTest
{
    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly SessionId Session = SessionId.New(0, TimeProvider.System);

    private TenantQuota Quota => Api.Services.GetRequiredService<TenantQuota>();

    [Fact(Timeout = Limits.Test)]
    public async Task Thresholds_AreToldOnce_TheHighestOnly_WithTwoReplicasAndAfterARestart()
    {
        await NewWebhookAsync("/acme");
        using var other = await Api.NewClientAsync("other", "admin");
        await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString());
        await using (var one = await StartSendingAsync())
        await using (var two = await StartSendingAsync())
        {
            await UseAsync(4_999, limit: 10_000);
            await UseAsync(1, limit: 10_000);
            await ToldAsync("threshold 50");
            await UseAsync(4_300, limit: 10_000);
            await ToldAsync("threshold 50", "threshold 90");
            await UseAsync(100, limit: 10_000);
            await UseAsync(600, limit: 10_000);
            await ToldAsync("exceeded", "threshold 100", "threshold 50", "threshold 90");
        }

        // Nothing is remembered but what is stored, and every quota is looked at again.
        await Api.JetStream.DeleteConsumerAsync(Subjects.KeyValueStream(Buckets.Quota), WebhookFeed.Quotas, TestContext.Current.CancellationToken);
        await using var third = await StartSendingAsync();
        await UseAsync(50, limit: 10_000);
        await LookedAtAsync();
        await ToldAsync("exceeded", "threshold 100", "threshold 50", "threshold 90");

        var first = Receiver.At("/acme").First(request => request.Data.TryGetProperty("threshold", out var threshold) && threshold.GetInt32() == 50);
        Assert.Equal(
            ("acme", "tokens", Month(), 5_000, 10_000),
            (first.Data.GetProperty("tenant_id").GetString(), first.Data.GetProperty("meter").GetString(), first.Data.GetProperty("period").GetString(), first.Data.GetProperty("usage").GetInt64(), first.Data.GetProperty("limit").GetInt64()));
        Assert.Empty(Receiver.At("/other"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Threshold_BelowOneThatWasTold_IsNotTold_AfterACorrection()
    {
        await NewWebhookAsync("/acme");
        await using (var one = await StartSendingAsync())
        {
            await UseAsync(9_500, limit: 10_000);
            await ToldAsync("threshold 90");
        }

        // As who re-bases it on the ledger would write it.
        var corrected = new QuotaRecord(Month(), 6_000, new Dictionary<string, OpenTurn>()) { Limit = 10_000 };
        await PublishAsync("$KV.kgents_quota.acme", JsonSerializer.SerializeToUtf8Bytes(corrected, WireJson.Default.QuotaRecord));
        await using var two = await StartSendingAsync();
        await LookedAtAsync();
        await ToldAsync("threshold 90");
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LargerPlan_HasThresholdsOfItsOwn()
    {
        await NewWebhookAsync("/acme");
        await using var one = await StartSendingAsync();
        await UseAsync(5_000, limit: 10_000);
        await ToldAsync("threshold 50");

        await UseAsync(45_000, limit: 100_000);

        await ToldAsync("threshold 50", "threshold 50");
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Limit_IsExceeded_WhenAMessageIsRefusedNearIt_AndNotBecauseOneAskedForMuch()
    {
        await NewWebhookAsync("/acme", "usage.limit.exceeded");
        await using var one = await StartSendingAsync();
        await UseAsync(2_000, limit: 10_000);
        Assert.IsType<QuotaAnswer.TooFewTokens>(await ReserveAsync(9_000, 10_000));
        await LookedAtAsync();
        Assert.Empty(Receiver.At("/acme"));

        await UseAsync(7_500, limit: 10_000);
        Assert.IsType<QuotaAnswer.TooFewTokens>(await ReserveAsync(900, 10_000));
        Assert.IsType<QuotaAnswer.TooFewTokens>(await ReserveAsync(900, 10_000));

        await ToldAsync("exceeded");
        await LookedAtAsync();
        await ToldAsync("exceeded");
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NewMonth_IsToldOnce_ToWhoWasToldOfTheOneBefore()
    {
        await NewWebhookAsync("/acme", "usage.limit.reset");
        using var other = await Api.NewClientAsync("other", "admin");
        await NewWebhookAsync(other, new Uri(Receiver.Address, "/other").ToString(), "usage.limit.reset");
        var events = Api.Services.GetRequiredService<WebhookEvents>();
        await events.PublishAsync(Tenant, WebhookEventId.Of("a"), WebhookEventTypes.ThresholdReached, [], TestContext.Current.CancellationToken, period: "2020-01");
        await events.PublishAsync(Tenant, WebhookEventId.Of("b"), WebhookEventTypes.LimitExceeded, [], TestContext.Current.CancellationToken, period: "2020-01");
        await events.PublishAsync(TenantId.Parse("other"), WebhookEventId.Of("c"), WebhookEventTypes.ThresholdReached, [], TestContext.Current.CancellationToken, period: Month());

        (string, string?)[] hurried = [("Webhooks:ResetInterval", "00:00:00.100")];
        await using (var one = await StartSendingAsync(hurried))
        await using (var two = await StartSendingAsync(hurried))
        {
            await Eventually.TrueAsync(() => Receiver.Received.Count == 1);
            Assert.Equal(("2020-01", Month()), (Receiver.Received[0].Data.GetProperty("previous_period").GetString(), Receiver.Received[0].Data.GetProperty("period").GetString()));
        }

        await using var third = await StartSendingAsync(hurried);
        await third.Services.GetRequiredService<QuotaResets>().TellOnceAsync(TestContext.Current.CancellationToken);
        await LookedAtAsync();
        Assert.Equal("usage.limit.reset", Assert.Single(Receiver.At("/acme")).Type);
    }

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

    [Fact(Timeout = Limits.Test)]
    public async Task Turns_ThatUseUpAPlan_AreTold()
    {
        await using var model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = new ModelScript(new ModelStep.Token("much"), new ModelStep.Usage(900, 100));
        await using var streaming = await KgentsHost.StartAsync(Nats.Url, Parts.Streaming, ("ConnectionStrings:llm", model.ConnectionString));
        await using var one = await StartSendingAsync();
        await NewWebhookAsync("/acme");
        using var talking = await Api.NewClientAsync("acme");
        await SendAsync(Api.Client, HttpMethod.Patch, "/v1/admin/tenants/acme", new { plan = "small" });
        var session = await talking.CreateSessionAsync();
        await SayAsync("Say something of it", 200);
        await SayAsync("Say something of it", 200);
        await ToldAsync("threshold 50");
        await SayAsync(new string('x', 20_000), 429);
        await SayAsync("Say something of it", 200);
        await SayAsync("Say something of it", 200);

        await ToldAsync("exceeded", "threshold 100", "threshold 50", "threshold 75");

        async Task SayAsync(string message, int status) =>
            Assert.Equal(status, (await SendAsync(talking, HttpMethod.Post, $"/v1/kgent/sessions/{session}/messages", new { message, stream = false })).Status);
    }

    private protected override (string Key, string? Value)[] ApiSettings => [("Plans:Table:small:TokensPerMonth", "4000"), ("Plans:Table:small:Budgets", "dialogue"), ("Plans:Table:small:DefaultBudget", "dialogue")];

    private static string Month() => TimeProvider.System.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>A turn that takes its place and has used so much.</summary>
    private async Task UseAsync(long tokens, long limit)
    {
        var turn = new TurnAddress(Tenant, Session, TurnId.New(TimeProvider.System));
        Assert.IsType<QuotaAnswer.Granted>(await Quota.ReserveAsync(turn, 0, tokens, limit, 0, TestContext.Current.CancellationToken));
        await Quota.SettleAsync(turn, tokens, TimeProvider.System.GetUtcNow(), TestContext.Current.CancellationToken);
    }

    private Task<QuotaAnswer> ReserveAsync(long atLeast, long limit) =>
        Quota.ReserveAsync(new TurnAddress(Tenant, Session, TurnId.New(TimeProvider.System)), atLeast, atLeast, limit, 0, TestContext.Current.CancellationToken);

    private async Task<ulong> PublishAsync(string subject, byte[] payload)
    {
        var ack = await Api.JetStream.PublishAsync(subject, payload, NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
        return ack.Seq;
    }

    /// <summary>Waits until <c>acme</c> was told so many, and compares.</summary>
    private async Task ToldAsync(params string[] expected)
    {
        await Eventually.TrueAsync(() => Receiver.At("/acme").Count >= expected.Length);
        Assert.Equal(expected, Receiver.At("/acme").Select(Name).Order(StringComparer.Ordinal));

        static string Name(ReceivedWebhook request) =>
            request.Data.TryGetProperty("threshold", out var threshold) ? $"threshold {threshold}" : request.Type == WebhookEventTypes.LimitExceeded ? "exceeded" : request.Type;
    }

    /// <summary>Waits until all that is stored now was looked at by somebody, and what was told of it has arrived.</summary>
    private async Task LookedAtAsync()
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
