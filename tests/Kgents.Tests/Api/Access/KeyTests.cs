using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Api.Keys;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;

namespace Kgents.Tests.Api.Access;

public sealed class KeyTests : IAsyncLifetime
{
    private static readonly Uri Sessions = new("/v1/kgent/sessions?limit=1", UriKind.Relative);

    private NatsServer nats = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        replica = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Nats:Views:MaxAge", "00:01:00"));
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Key_IsShownOnce_AndOnlyItsHashIsStored()
    {
        var created = await host.NewKeyAsync("acme");
        var key = created.GetProperty("key").GetString()!;

        Assert.Matches("^kg_[a-z0-9]{5}_[A-Za-z0-9_-]{43}$", key);
        Assert.Equal(key[..8], created.GetProperty("prefix").GetString());
        using var client = host.ClientWith(key);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));
        using var listed = await host.Client.GetAsync(new Uri("/v1/admin/tenants/acme/keys", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.DoesNotContain(key[8..], await listed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.DoesNotContain(await EverythingStoredAsync(), text => text.Contains(key[9..], StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logs.Lines, line => line.Contains(key[9..], StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RevokedKey_IsRefusedOnEveryReplica_AndStaysRevoked()
    {
        var created = await host.NewKeyAsync("acme");
        using var here = host.ClientWith(created.GetProperty("key").GetString());
        using var there = replica.ClientWith(created.GetProperty("key").GetString());
        await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.OK);

        using var revoked = await host.Client.DeleteAsync(new Uri($"/v1/admin/tenants/acme/keys/{created.GetProperty("id").GetString()}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(here));
        await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.Unauthorized);
        var since = await RevokedAtAsync();
        using var again = await host.Client.DeleteAsync(new Uri($"/v1/admin/tenants/acme/keys/{created.GetProperty("id").GetString()}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NoContent, since), (again.StatusCode, await RevokedAtAsync()));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(here));

        async Task<DateTimeOffset> RevokedAtAsync() =>
            Assert.Single((await host.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/acme/keys", TestContext.Current.CancellationToken)).GetProperty("keys").EnumerateArray())
                .GetProperty("revoked_at").GetDateTimeOffset();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Key_CannotGiveMoreThanItHas()
    {
        using var admin = await host.NewClientAsync("acme", "admin", "read");

        using var more = await admin.PostAsJsonAsync("/v1/keys", new { name = "more", scopes = new[] { "read", "billing" } }, TestContext.Current.CancellationToken);
        using var same = await admin.PostAsJsonAsync("/v1/keys", new { name = "same", scopes = new[] { "read" } }, TestContext.Current.CancellationToken);
        var key = await same.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        using var raised = await admin.PatchAsJsonAsync($"/v1/keys/{key.GetProperty("id").GetString()}", new { scopes = new[] { "write" } }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.Forbidden, HttpStatusCode.Created, HttpStatusCode.Forbidden], [more.StatusCode, same.StatusCode, raised.StatusCode]);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyWithLimits_CannotLiftThem_ByItselfOrByAnother()
    {
        using var created = await host.NewClientAsync("acme", "admin", "read");
        using var limiting = await host.Client.PostAsJsonAsync("/v1/admin/tenants/acme/keys", new { name = "limited", scopes = new[] { "admin", "read" }, requests_per_day = 1000 }, TestContext.Current.CancellationToken);
        var limited = await limiting.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        using var client = host.ClientWith(limited.GetProperty("key").GetString());
        var own = $"/v1/keys/{limited.GetProperty("id").GetString()}";

        Assert.Equal(
            [403, 403, 403, 403, 200, 201, 200, 201],
            new List<int>
            {
                await PatchAsync(client, own, new { requests_per_day = 0 }),
                await PatchAsync(client, own, new { requests_per_day = 1001 }),
                await PostAsync(client, new { name = "free", scopes = new[] { "read" } }),
                await PostAsync(client, new { name = "more", scopes = new[] { "read" }, requests_per_day = 1001 }),
                await PatchAsync(client, own, new { name = "still limited" }),
                await PostAsync(client, new { name = "less", scopes = new[] { "read" }, requests_per_day = 1000 }),
                await PatchAsync(created, own, new { requests_per_day = 0 }),
                await PostAsync(client, new { name = "free", scopes = new[] { "read" } }),
            });

        static async Task<int> PatchAsync(HttpClient client, string path, object body)
        {
            using var response = await client.PatchAsJsonAsync(path, body, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }

        static async Task<int> PostAsync(HttpClient client, object body)
        {
            using var response = await client.PostAsJsonAsync("/v1/keys", body, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyThatExpires_CannotPutThatOff_ByItselfOrByAnother()
    {
        var end = TimeProvider.System.GetUtcNow().AddHours(1);
        using var forever = await host.NewClientAsync("acme", "admin", "read");
        using var creating = await host.Client.PostAsJsonAsync("/v1/admin/tenants/acme/keys", new { name = "short", scopes = new[] { "admin", "read" }, expires_at = end }, TestContext.Current.CancellationToken);
        var expiring = await creating.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        using var client = host.ClientWith(expiring.GetProperty("key").GetString());
        var own = $"/v1/keys/{expiring.GetProperty("id").GetString()}";

        using var refused = await client.PatchAsJsonAsync(own, new { expires_at = end.AddTicks(1) }, TestContext.Current.CancellationToken);
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(("urn:kgents:problem:above-own-limit", "expires_at", end), (problem.GetProperty("type").GetString(), problem.GetProperty("field").GetString(), problem.GetProperty("limit").GetDateTimeOffset()));
        Assert.Equal(
            [403, 403, 200, 201, 200, 200],
            new List<int>
            {
                await SendAsync(client, HttpMethod.Post, "/v1/keys", new { name = "for ever", scopes = new[] { "read" } }),
                await SendAsync(client, HttpMethod.Post, "/v1/keys", new { name = "longer", scopes = new[] { "read" }, expires_at = end.AddTicks(1).ToOffset(TimeSpan.FromHours(-12)) }),
                await SendAsync(client, HttpMethod.Patch, own, new { name = "still short" }),
                await SendAsync(client, HttpMethod.Post, "/v1/keys", new { name = "as long", scopes = new[] { "read" }, expires_at = end.ToOffset(TimeSpan.FromHours(14)) }),
                await SendAsync(client, HttpMethod.Patch, own, new { expires_at = end.AddMinutes(-1) }),
                await SendAsync(forever, HttpMethod.Patch, own, new { expires_at = end.AddDays(1) }),
            });

        static async Task<int> SendAsync(HttpClient client, HttpMethod method, string path, object body)
        {
            using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }
    }

    /// <summary>It would be a time of wherever the replica runs.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("\"2100-01-31T13:00:00\"", 400)]
    [InlineData("\"2100-01-31T13:00:00.1234567\"", 400)]
    [InlineData("\"2100-01-31\"", 400)]
    [InlineData("\"tomorrow\"", 400)]
    [InlineData("4102444800", 400)]
    [InlineData("\"2100-01-31T13:00:00Z\"", 201)]
    [InlineData("\"2100-01-31T13:00:00.5-03:30\"", 201)]
    [InlineData("null", 201)]
    public async Task Expiry_IsRefused_UnlessItHasAnOffset(string time, int status)
    {
        using var content = new StringContent($$"""{"name":"a","expires_at":{{time}}}""", Encoding.UTF8, "application/json");
        using var response = await host.Client.PostAsync(new Uri("/v1/keys", UriKind.Relative), content, TestContext.Current.CancellationToken);

        var answer = JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 400, answer.TryGetProperty("errors", out var errors) && errors.TryGetProperty("expires_at", out _));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Keys_OfAnotherTenant_AreNotThere()
    {
        var theirs = (await host.NewKeyAsync("theirs")).GetProperty("id").GetString();
        using var admin = await host.NewClientAsync("acme", "admin", "read", "write");

        using var changed = await admin.PatchAsJsonAsync($"/v1/keys/{theirs}", new { name = "mine" }, TestContext.Current.CancellationToken);
        using var revoked = await admin.DeleteAsync(new Uri($"/v1/keys/{theirs}", UriKind.Relative), TestContext.Current.CancellationToken);
        var listed = await admin.GetFromJsonAsync<JsonElement>("/v1/keys", TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.NotFound], [changed.StatusCode, revoked.StatusCode]);
        Assert.All(listed.GetProperty("keys").EnumerateArray(), key => Assert.Equal("acme", key.GetProperty("tenant_id").GetString()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Key_IsRefused_OnceItHasExpired()
    {
        var time = new MovableTime();
        await using var timed = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);
        var created = await timed.NewKeyAsync("acme");
        var path = $"/v1/admin/tenants/acme/keys/{created.GetProperty("id").GetString()}";
        using var client = timed.ClientWith(created.GetProperty("key").GetString());
        using var past = await timed.Client.PatchAsJsonAsync(path, new { expires_at = time.GetUtcNow() }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, past.StatusCode);

        using var later = await timed.Client.PatchAsJsonAsync(path, new { expires_at = time.GetUtcNow().AddHours(1) }, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, later.StatusCode);
        time.Ahead = TimeSpan.FromHours(1) - TimeSpan.FromTicks(1);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));
        time.Ahead = TimeSpan.FromHours(1);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Use_IsNoted_AtMostOnceAMinute()
    {
        var time = new MovableTime();
        await using var timed = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);
        using var used = await timed.NewClientAsync("acme");

        var first = time.GetUtcNow();
        await UseAsync();
        time.Ahead = TimeSpan.FromMinutes(1) - TimeSpan.FromTicks(1);
        await UseAsync();
        await UseAsync();
        Assert.Equal(first, await LastUseAsync());
        time.Ahead = TimeSpan.FromMinutes(1);
        await UseAsync();
        Assert.Equal(first + TimeSpan.FromMinutes(1), await LastUseAsync());

        // Uses are stored one after the other, so when that of a new key is, those before it are.
        async Task UseAsync()
        {
            await StatusAsync(used);
            using var next = await timed.NewClientAsync("other", "admin");
            await Eventually.TrueAsync(async () => (await next.GetFromJsonAsync<JsonElement>("/v1/keys", TestContext.Current.CancellationToken))
                .GetProperty("keys").EnumerateArray().Last().TryGetProperty("last_used_at", out _));
        }

        async Task<DateTimeOffset> LastUseAsync() =>
            Assert.Single((await timed.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/acme/keys", TestContext.Current.CancellationToken)).GetProperty("keys").EnumerateArray())
                .GetProperty("last_used_at").GetDateTimeOffset();
    }

    /// <summary>Revoked ones too: they are kept.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Key_IsRefused_WhenItsTenantHasAThousand()
    {
        await host.NewKeyAsync("acme");
        var keys = host.Services.GetRequiredService<ApiKeyStore>();
        var now = TimeProvider.System.GetUtcNow();
        var record = new ApiKeyRecord(TenantId.Parse("acme"), "many", "kg_tests", ["read"], now, RevokedAt: now);
        await Parallel.ForAsync(1, 999, TestContext.Current.CancellationToken, async (number, token) => await keys.TryAddAsync(ApiKeySyntax.HashOf($"{number}"), record, token));

        var many = await Task.WhenAll(Enumerable.Range(0, 10).Select(number => host.Client.PostAsJsonAsync("/v1/admin/tenants/acme/keys", new { name = $"{number}" }, TestContext.Current.CancellationToken)));
        Assert.Single(many, response => response.StatusCode == HttpStatusCode.Created);
        using var refused = await host.Client.PostAsJsonAsync("/v1/admin/tenants/acme/keys", new { name = "one more" }, TestContext.Current.CancellationToken);
        await host.NewKeyAsync("other");

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("urn:kgents:problem:too-many-keys", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("{}", "name")]
    [InlineData("""{"name":" "}""", "name")]
    [InlineData("""{"name":"a","scopes":[]}""", "scopes")]
    [InlineData("""{"name":"a","scopes":["root"]}""", "scopes")]
    [InlineData("""{"name":"a","expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")]
    public async Task Key_IsRefusedByName_WhenItIsNotValid(string body, string field)
    {
        using var response = await host.Client.PostAsync(new Uri("/v1/keys", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

        var problem = JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, field), (response.StatusCode, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Keys_AreAsBefore_AfterARestart()
    {
        var created = await host.NewKeyAsync("acme");

        await using var restarted = await KgentsHost.StartAsync(nats.Url, Parts.Api);

        using var client = restarted.ClientWith(created.GetProperty("key").GetString());
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client));
    }

    /// <summary>Asked for is what needs nothing but this replica's memory, and the connection still counts as open: it is the age of the view alone that refuses.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EveryKey_IsRefusedWith503_WhenTheReplicaMayHaveMissedARevocation()
    {
        await using var strict = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Nats:Views:MaxAge", "00:00:00.500"), ("Nats:Views:BeatInterval", "00:00:00.100"));
        var connection = strict.JetStream.Connection;
        await Eventually.TrueAsync(async () => await TenantsAsync() == HttpStatusCode.OK);

        nats.Pause();
        await Eventually.TrueAsync(async () => await TenantsAsync() == HttpStatusCode.ServiceUnavailable && connection.ConnectionState == NatsConnectionState.Open);
        nats.Resume();

        await Eventually.TrueAsync(async () => await TenantsAsync() == HttpStatusCode.OK);

        async Task<HttpStatusCode> TenantsAsync()
        {
            using var response = await strict.Client.GetAsync(new Uri("/v1/admin/tenants", UriKind.Relative), TestContext.Current.CancellationToken);
            return response.StatusCode;
        }
    }

    /// <summary>
    /// The rule is a second. Of nine times the middle one is taken: a machine that stops for a moment does so once or twice. Beats are five seconds apart here, so whoever waited for one, or looked
    /// into the bucket from time to time, would not keep it.
    /// </summary>
    [Fact(Timeout = Limits.Test)]
    public async Task RevokedKey_IsRefusedOnTheOtherReplicaWithinASecond()
    {
        await using var slow = await KgentsHost.StartAsync(nats.Url, Parts.Api, ("Nats:Views:BeatInterval", "00:00:05"), ("Nats:Views:MaxAge", "00:01:00"));
        var times = new List<TimeSpan>();
        for (var key = 0; key < 9; key++)
        {
            var created = await host.NewKeyAsync("acme");
            using var there = slow.ClientWith(created.GetProperty("key").GetString());
            await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.OK);
            var path = new Uri($"/v1/admin/tenants/acme/keys/{created.GetProperty("id").GetString()}", UriKind.Relative);

            var revoking = Stopwatch.StartNew();
            using var revoked = await host.Client.DeleteAsync(path, TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.Unauthorized);
            times.Add(revoking.Elapsed);
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"A revocation reached the other replica within {string.Join(", ", times.Order().Select(time => $"{time.TotalMilliseconds:0} ms"))}.");
        Assert.InRange(times.Order().ElementAt(4), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>The watch alone is lost: beats are still written, heartbeats still come, everything else works. By the replica's clock it takes no longer than the setting.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EveryKey_IsRefusedWith503_WhenOnlyTheWatchIsLost()
    {
        var time = new ForwardTime();
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var blind = await KgentsHost.StartAsync(proxy.Url, Parts.Api, time, ("Nats:Views:BeatInterval", "00:00:00.100"));
        var created = await host.NewKeyAsync("acme");
        using var revoked = blind.ClientWith(created.GetProperty("key").GetString());
        await Eventually.TrueAsync(async () => await StatusAsync(revoked) == HttpStatusCode.OK);

        proxy.DropMessages(reply => reply.StartsWith("$JS.ACK.KV_kgents_api_keys.", StringComparison.Ordinal));
        using (var gone = await host.Client.DeleteAsync(new Uri($"/v1/admin/tenants/acme/keys/{created.GetProperty("id").GetString()}", UriKind.Relative), TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(revoked));
        time.Ahead = TimeSpan.FromSeconds(15);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(revoked));

        var written = BeatsOf(proxy);
        await Eventually.TrueAsync(() => BeatsOf(proxy) > written + 5);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(blind.Client));
        proxy.DropMessages(null);
        await Eventually.TrueAsync(async () => await StatusAsync(blind.Client) == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(revoked));

        static int BeatsOf(NatsProxy proxy) => proxy.PublishedSubjects.Count(subject => subject.StartsWith("$KV.kgents_api_keys._beat.", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LookUps_NeedNoNats_WhileTheViewIsNotTooOld()
    {
        var known = await host.NewKeyAsync("default", "admin");
        using var client = replica.ClientWith(known.GetProperty("key").GetString());
        using var stranger = replica.ClientWith(KgentsHost.NewKey());
        await Eventually.TrueAsync(async () => await TenantsAsync(client) == HttpStatusCode.OK);

        nats.Pause();
        try
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (await TenantsAsync(client), await TenantsAsync(stranger)));
        }
        finally
        {
            nats.Resume();
        }

        static async Task<HttpStatusCode> TenantsAsync(HttpClient client)
        {
            using var response = await client.GetAsync(new Uri("/v1/admin/tenants", UriKind.Relative), TestContext.Current.CancellationToken);
            return response.StatusCode;
        }
    }

    /// <summary>Nobody learns from the answer which keys there are, or were.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EveryKeyThatMayNothing_HasTheSameAnswer()
    {
        var time = new MovableTime();
        await using var timed = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);
        var revoked = await timed.NewKeyAsync("acme");
        using (await timed.Client.DeleteAsync(new Uri($"/v1/admin/tenants/acme/keys/{revoked.GetProperty("id").GetString()}", UriKind.Relative), TestContext.Current.CancellationToken))
        {
            // It is revoked.
        }

        using var created = await timed.Client.PostAsJsonAsync("/v1/admin/tenants/acme/keys", new { name = "short", expires_at = time.GetUtcNow().AddSeconds(1) }, TestContext.Current.CancellationToken);
        var expired = (await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("key").GetString();
        time.Ahead = TimeSpan.FromSeconds(1);

        string?[] all = [null, "kg_short", KgentsHost.NewKey(), expired, revoked.GetProperty("key").GetString()];
        var answers = await Task.WhenAll(all.Select(async key =>
        {
            using var client = timed.ClientWith(key);
            using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
            var headers = response.Headers.Where(header => header.Key != "Date").Select(header => $"{header.Key}: {string.Join(',', header.Value)}");

            // But for the trace, which is each request's own.
            var members = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).EnumerateObject().Where(member => member.Name != "trace_id");
            return $"{(int)response.StatusCode}\n{string.Join('\n', headers)}\n{response.Content.Headers.ContentType}\n{string.Join('\n', members)}";
        }));

        Assert.StartsWith("401", answers[0], StringComparison.Ordinal);
        Assert.Single(answers.Distinct());
    }

    /// <summary>A clock that measures more than has passed; timers are as they are.</summary>
    private sealed class ForwardTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private async Task<IReadOnlyList<string>> EverythingStoredAsync()
    {
        var stored = new List<string>();
        await foreach (var stream in host.JetStream.ListStreamNamesAsync(cancellationToken: TestContext.Current.CancellationToken))
        {
            await foreach (var entry in host.Reader.ReadAsync(stream, ">", 1, 0, TestContext.Current.CancellationToken))
            {
                stored.Add($"{entry.Subject} {Encoding.UTF8.GetString(entry.Data.Span)}");
            }
        }

        return stored;
    }
}
