using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;

namespace Kgents.Tests.Webhooks;

/// <summary>Receivers that are down, failing, gone or in need of a pause: an event is tried again by the schedule, and then given up.</summary>
public sealed class WebhookRetryTests : WebhookTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Event_IsTriedAgain_WhileTheReceiverFails_AndIsTheSame()
    {
        await using var sending = await StartSendingAsync();
        var (id, secret) = await NewWebhookAsync("/flapping");
        var calls = 0;
        Receiver.Answer("/flapping", (context, _) =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref calls) < 3 ? 500 : 200;
            return Task.CompletedTask;
        });

        var delivery = await BecomesAsync(id, await TestAsync(id), "delivered");

        Assert.Equal(["500", "500", "200"], Attempts(delivery));
        Assert.Single(Receiver.Received.Select(request => (request.Id, request.Body)).Distinct());
        Assert.All(Receiver.Received, request => Assert.True(request.IsSignedWith(secret)));
        Assert.False(delivery.TryGetProperty("next_attempt_at", out _));
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.webhooks.attempts", "kgents.webhooks.failed", "kgents.webhooks.duration", "kgents.webhooks.pending")]
    public async Task Event_IsGivenUp_AfterTheLastTry_AndSentAgainByHand()
    {
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/broken");
        Receiver.Answer("/broken", 500);
        var test = await TestAsync(id);
        var failed = await BecomesAsync(id, test, "failed");
        Assert.Equal(["500", "500", "500"], Attempts(failed));
        Assert.Contains(sending.Logs.Lines, line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains(test, StringComparison.Ordinal));

        Receiver.Answer("/broken", 200);
        var (status, again) = await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/deliveries/{test}/redeliver");
        Assert.Equal((202, "pending"), (status, again.GetProperty("state").GetString()));

        Assert.Equal(["500", "500", "500", "200"], Attempts(await BecomesAsync(id, test, "delivered")));
        Assert.Single(Receiver.Received.Select(request => (request.Id, request.Body)).Distinct());

        // Also one that was delivered.
        await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/deliveries/{test}/redeliver");
        await Eventually.TrueAsync(() => Receiver.Received.Count == 5);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Receiver_ThatIsDown_GetsItsEventWhenItIsBack()
    {
        await using var sending = await StartSendingAsync(("Webhooks:Schedule", string.Join(',', Enumerable.Repeat("00:00:00.200", 500))));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var (id, _) = await NewWebhookAsync(Acme, $"http://{socket.LocalEndPoint}/down");
        var test = await TestAsync(id);
        await Eventually.TrueAsync(async () => Attempts((await GetAsync(Acme, $"/v1/webhooks/{id}/deliveries")).GetProperty("deliveries").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Object } one ? one : JsonElement.Parse("""{"attempts":[]}""")).Contains("connection"));

        var (status, _) = await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { url = new Uri(Receiver.Address, "/back").ToString() });

        Assert.Equal(200, status);
        Assert.Equal("204", Attempts(await BecomesAsync(id, test, "delivered")).Last());
        Assert.Single(Receiver.At("/back"));
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.webhooks.disabled")]
    public async Task Receiver_ThatAnswers410_IsDisabled_UntilSomebodyEnablesIt()
    {
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/gone");
        Receiver.Answer("/gone", 410);

        Assert.Equal(["410"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));

        var webhook = await GetAsync(Acme, $"/v1/webhooks/{id}");
        Assert.Equal((false, "gone"), (webhook.GetProperty("enabled").GetBoolean(), webhook.GetProperty("disabled_reason").GetString()));
        Assert.Equal(409, (await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/test")).Status);
        Assert.Single(Receiver.Received);

        Receiver.Answer("/gone", 200);
        Assert.Equal(200, (await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { enabled = true })).Status);
        await BecomesAsync(id, await TestAsync(id), "delivered");
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatWaits_OfAWebhookThatIsDisabledOrDeleted_IsNotSent()
    {
        await using var sending = await StartSendingAsync(("Webhooks:Schedule", "00:00:00,00:00:03"));
        var (id, _) = await NewWebhookAsync("/waits");
        Receiver.Answer("/waits", 500);
        var test = await TestAsync(id);
        await Eventually.TrueAsync(() => Receiver.Received.Count == 1);

        await SendAsync(Acme, HttpMethod.Patch, $"/v1/webhooks/{id}", new { enabled = false });

        Assert.Equal(["500", "webhook_disabled"], Attempts(await BecomesAsync(id, test, "failed")));
        Assert.Single(Receiver.Received);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Receiver_ThatAsksForAPause_GetsIt_UpToALimit()
    {
        await using var sending = await StartSendingAsync(("Webhooks:LongestRetryAfter", "00:10:00"));
        var (id, _) = await NewWebhookAsync("/busy");
        Receiver.Answer("/busy", 429, ("Retry-After", "300"));
        var test = await TestAsync(id);
        await Eventually.TrueAsync(() => Receiver.Received.Count == 1);
        var first = await PauseAsync(id, test);
        Assert.InRange(first, TimeSpan.FromSeconds(200), TimeSpan.FromSeconds(300));

        Receiver.Answer("/busy", 503, ("Retry-After", "100000"));
        await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/deliveries/{test}/redeliver");
        await Eventually.TrueAsync(() => Receiver.Received.Count == 2);
        Assert.InRange(await PauseAsync(id, test), TimeSpan.FromSeconds(500), TimeSpan.FromSeconds(600));

        async Task<TimeSpan> PauseAsync(string webhook, string delivery)
        {
            JsonElement found = default;
            await Eventually.TrueAsync(async () =>
            {
                found = await BecomesAsync(webhook, delivery, "pending");
                return Attempts(found).Count() == Receiver.Received.Count;
            });
            return found.GetProperty("next_attempt_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow();
        }
    }
}
