using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Webhooks;

/// <summary>Receivers that are well, slow, broken, elsewhere, or where nothing may be sent.</summary>
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
    public async Task Redirect_IsAFailure_AndIsNotFollowed()
    {
        await using var sending = await StartSendingAsync();
        var (id, _) = await NewWebhookAsync("/moved");
        Receiver.Answer("/moved", 307, ("Location", new Uri(Receiver.Address, "/elsewhere").ToString()));

        Assert.Equal(["307", "307", "307"], Attempts(await BecomesAsync(id, await TestAsync(id), "failed")));
        Assert.Empty(Receiver.At("/elsewhere"));
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
