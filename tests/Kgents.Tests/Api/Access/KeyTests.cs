using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Api.Keys;
using Kgents.Contracts;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Access;

/// <summary>Keys are made, listed, used and expire.</summary>
public sealed class KeyTests : KeyTest
{
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
}
