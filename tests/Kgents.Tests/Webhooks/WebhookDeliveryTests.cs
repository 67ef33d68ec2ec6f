using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;

namespace Kgents.Tests.Webhooks;

/// <summary>Receivers that are well, down, slow, broken, gone, elsewhere, or where nothing may be sent.</summary>
public sealed class WebhookDeliveryTests : WebhookTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Event_IsDelivered_SignedAsTheSpecificationSays()
    {
        await using var sending = await StartSendingAsync();
        var (id, secret) = await NewWebhookAsync("/hook");

        var test = await TestAsync(id);
        var delivery = await BecomesAsync(id, test, "delivered");

        var request = Assert.Single(Receiver.Received);
        Assert.Equal((test, "webhook.test", "application/json"), (request.Id, request.Type, request.Headers["Content-Type"]));
        Assert.Equal(["type", "timestamp", "data"], request.Json.EnumerateObject().Select(field => field.Name));
        Assert.Equal(("acme", id), (request.Data.GetProperty("tenant_id").GetString(), request.Data.GetProperty("webhook_id").GetString()));
        Assert.InRange(request.Seconds, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 60, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        Assert.True(request.IsSignedWith(secret));
        Assert.False((request with { Body = request.Body + " " }).IsSignedWith(secret));
        Assert.False(request.Headers.ContainsKey("traceparent"));
        Assert.Equal(["204"], Attempts(delivery));
    }

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
    public async Task Redirect_IsAFailure_AndIsNotFollowed()
    {
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/moved");
        Receiver.Answer("/moved", 307, ("Location", new Uri(Receiver.Address, "/elsewhere").ToString()));

        Assert.Equal(["307", "307", "307"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));
        Assert.Empty(Receiver.At("/elsewhere"));
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

    [Fact(Timeout = Limits.Test)]
    public async Task SlowReceiver_TimesOut_AndHoldsUpNobodyElse()
    {
        await using var sending = await StartSendingAsync(("Webhooks:Timeout", "00:00:05"), ("Webhooks:Concurrency", "3"), ("Webhooks:Schedule", "00:00:00"));
        var answering = new TaskCompletionSource();
        Receiver.Answer("/slow", (_, cancellationToken) => answering.Task.WaitAsync(cancellationToken));
        var (slow, _) = await NewWebhookAsync("/slow");
        using var other = await Api.NewClientAsync("other", "admin");
        var (fast, _) = await NewWebhookAsync(other, new Uri(Receiver.Address, "/fast").ToString());

        // More than there are places.
        var held = new List<string>();
        for (var n = 0; n < 4; n++)
        {
            held.Add(await TestAsync(slow));
        }

        await Eventually.TrueAsync(() => Receiver.At("/slow").Count == 2);
        await TestAsync(other, fast);
        await Eventually.TrueAsync(() => Receiver.At("/fast").Count == 1);

        Assert.Equal(2, Receiver.At("/slow").Count);
        foreach (var delivery in held)
        {
            Assert.Equal(["timeout"], Attempts(await BecomesAsync(slow, delivery, "failed")));
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("http://127.0.0.1:{0}/hook")]
    [InlineData("http://localhost:{0}/hook")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/hook")]
    [InlineData("http://2130706433:{0}/hook")]
    [InlineData("http://0x7f.1:{0}/hook")]
    [InlineData("http://0:{0}/hook")]
    public async Task Receiver_AtAPrivateAddress_IsNeverConnectedTo(string form)
    {
        await using var sending = await StartSendingAsync(("Webhooks:AllowedNetworks", ""));
        var (id, _) = await NewWebhookAsync(Acme, string.Format(null, form, Receiver.Address.Port));

        Assert.Equal(["address_not_allowed", "address_not_allowed", "address_not_allowed"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));
        Assert.Empty(Receiver.Received);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Name_ThatIsNone_IsSaidSo()
    {
        await using var sending = await StartSendingAsync(("Webhooks:Schedule", "00:00:00"));
        var (id, _) = await NewWebhookAsync(Acme, "http://no-such-host.invalid/hook");

        Assert.Equal(["name_not_found"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Receiver_WithoutACertificateThatIsValid_IsNotSentTo()
    {
        await using var sending = await StartSendingAsync(("Webhooks:Schedule", "00:00:00"));
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var key = RSA.Create(2048);
        using var selfSigned = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        var serving = ServeAsync();
        var (id, _) = await NewWebhookAsync(Acme, $"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}/hook");
        var (plain, _) = await NewWebhookAsync(Acme, $"https://localhost:{Receiver.Address.Port}/hook");

        Assert.Equal(["tls"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));
        Assert.Equal(["tls"], Attempts(await BecomesAsync(plain, await TestAsync(plain), "failed")));
        Assert.Equal("", await serving);

        // What the sender said after the handshake.
        async Task<string> ServeAsync()
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            await using var stream = new SslStream(client.GetStream());
            try
            {
                await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = selfSigned }, TestContext.Current.CancellationToken);
                using var reader = new StreamReader(stream);
                return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
            }
            catch (Exception exception) when (exception is AuthenticationException or IOException)
            {
                return "";
            }
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RotatedSecret_SignsBesideTheOldOne_AsLongAsItIsSaid()
    {
        await using var sending = await StartSendingAsync();
        var (id, first) = await NewWebhookAsync("/hook");

        var (_, rotated) = await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/rotate");
        var second = rotated.GetProperty("secret").GetString()!;
        Assert.InRange(rotated.GetProperty("previous_expires_at").GetDateTimeOffset() - TimeProvider.System.GetUtcNow(), TimeSpan.FromHours(23), TimeSpan.FromHours(24));
        await BecomesAsync(id, await TestAsync(id), "delivered");
        Assert.Equal((true, true), (Receiver.Received[0].IsSignedWith(first), Receiver.Received[0].IsSignedWith(second)));
        Assert.StartsWith("v1,", Receiver.Received[0].Signature, StringComparison.Ordinal);

        var (_, again) = await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/rotate", new { overlap_hours = 0 });
        await BecomesAsync(id, await TestAsync(id), "delivered");
        Assert.Equal(
            (false, false, true), (Receiver.Received[1].IsSignedWith(first), Receiver.Received[1].IsSignedWith(second), Receiver.Received[1].IsSignedWith(again.GetProperty("secret").GetString()!)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Log_IsPaged_TheLatestFirst()
    {
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/hook");
        var tests = new List<string>();
        for (var n = 0; n < 5; n++)
        {
            tests.Add(await TestAsync(id));
        }

        await Eventually.TrueAsync(() => Receiver.Received.Count == 5);

        // Its place is its event's, also when it is changed after later ones.
        await SendAsync(Acme, HttpMethod.Post, $"/v1/webhooks/{id}/deliveries/{tests[1]}/redeliver");
        await Eventually.TrueAsync(() => Receiver.Received.Count == 6);
        var seen = new List<string>();
        for (var next = ""; next is not null;)
        {
            var page = await GetAsync(Acme, $"/v1/webhooks/{id}/deliveries?limit=2{(next == "" ? "" : $"&cursor={next}")}");
            seen.AddRange(page.GetProperty("deliveries").EnumerateArray().Select(each => each.GetProperty("id").GetString()!));
            next = page.TryGetProperty("next", out var cursor) ? cursor.GetString() : null;
        }

        Assert.Equal(tests.AsEnumerable().Reverse(), seen);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SecretsAndAddresses_AreInNoLog()
    {
        await using var sending = await StartSendingAsync();
        Receiver.Answer("/token-4711", 500);
        var (id, secret) = await NewWebhookAsync("/token-4711");
        await BecomesAsync(id, await TestAsync(id), "failed");
        Receiver.Answer("/token-4711", 410);
        await BecomesAsync(id, await TestAsync(id), "failed");

        var lines = sending.Logs.Lines.Concat(Api.Logs.Lines).ToList();
        Assert.Contains(lines, line => line.Contains(id, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.Contains(secret["whsec_".Length..], StringComparison.Ordinal) || line.Contains("token-4711", StringComparison.Ordinal));
    }
}
