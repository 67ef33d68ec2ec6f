using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Webhooks.Events;
using Kgents.ServiceDefaults.Quotas;
using Kgents.ServiceDefaults.Webhooks;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Webhooks;

/// <summary>Tenants are told how far their month is used up: once each, by any number of replicas and over every restart, and each tenant of its own.</summary>
public sealed class WebhookEventTests : WebhookEventTest
{
    /// <summary>A turn that takes its place and has used so much.</summary>
    private async Task UseAsync(long tokens, long limit)
    {
        var turn = new TurnAddress(Tenant, Session, TurnId.New(TimeProvider.System));
        Assert.IsType<QuotaAnswer.Granted>(await Quota.ReserveAsync(turn, 0, tokens, limit, 0, TestContext.Current.CancellationToken));
        await Quota.SettleAsync(turn, tokens, TimeProvider.System.GetUtcNow(), TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until <c>acme</c> was told so many, and compares.</summary>
    private async Task ToldAsync(params string[] expected)
    {
        await Eventually.TrueAsync(() => Receiver.At("/acme").Count >= expected.Length);
        Assert.Equal(expected, Receiver.At("/acme").Select(Name).Order(StringComparer.Ordinal));

        static string Name(ReceivedWebhook request) =>
            request.Data.TryGetProperty("threshold", out var threshold) ? $"threshold {threshold}" : request.Type == WebhookEventTypes.LimitExceeded ? "exceeded" : request.Type;
    }

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

    private static string Month() => TimeProvider.System.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture);

    private Task<QuotaAnswer> ReserveAsync(long atLeast, long limit) =>
        Quota.ReserveAsync(new TurnAddress(Tenant, Session, TurnId.New(TimeProvider.System)), atLeast, atLeast, limit, 0, TestContext.Current.CancellationToken);
}
