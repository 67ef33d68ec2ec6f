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

        await host.NewKeyAsync("acme");
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
