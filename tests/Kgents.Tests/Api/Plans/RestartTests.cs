using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>Everything is stopped, NATS by force, and started again: who may do what, and how much is left of it, is as before.</summary>
public sealed class RestartTests : TurnTest
{
    private static readonly Uri Tenant = new("/v1/admin/tenants/acme", UriKind.Relative);
    private static readonly Uri Keys = new("/v1/admin/tenants/acme/keys", UriKind.Relative);
    private static readonly Uri Sessions = new("/v1/kgent/sessions?limit=1", UriKind.Relative);

    /// <summary>Of the day, so that no bucket fills while things start.</summary>
    private readonly MovableTime time = new();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeysTenantsLimitsAndCounters_AreAsBefore()
    {
        string limited, revoked;
        (string Tenant, string Keys, QuotaRecord Quota) before;
        await using (var host = await StartAsync())
        {
            using var client = await host.NewClientAsync("acme");
            using var changed = await host.Client.PatchAsJsonAsync(
                Tenant, new { name = "Acme Ltd", status = "past_due", plan = "narrow", settings = new { account = "4711" } }, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
            using var created = await host.Client.PostAsJsonAsync(Keys, new { name = "limited", scopes = new[] { "read" }, requests_per_day = 5, requests_per_minute = 4 }, TestContext.Current.CancellationToken);
            limited = (await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("key").GetString()!;
            var gone = await host.NewKeyAsync("acme");
            revoked = gone.GetProperty("key").GetString()!;
            using var deleted = await host.Client.DeleteAsync(new Uri($"{Keys}/{gone.GetProperty("id").GetString()}", UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal("complete", new Turn(await client.SayAsync(await client.CreateSessionAsync(), "well?")).EndKind);
            Assert.Equal("\"key-minute\";r=3;t=15, \"key-day\";r=4;", await LeftAsync(host, limited));
            before = await ReadAsync(host);
        }

        await Nats.KillAsync(TestContext.Current.CancellationToken);
        await Nats.RestartAsync(TestContext.Current.CancellationToken);
        await using var restarted = await StartAsync();

        Assert.Equal((before.Tenant, before.Keys), ((await ReadAsync(restarted)).Tenant, (await ReadAsync(restarted)).Keys));
        Assert.Equal((100, 100, 0), (before.Quota.Settled, (await ReadAsync(restarted)).Quota.Settled, (await ReadAsync(restarted)).Quota.Open.Count));
        Assert.Equal("\"key-minute\";r=2;t=30, \"key-day\";r=3;", await LeftAsync(restarted, limited));
        using var refused = restarted.ClientWith(revoked);
        using var answer = await refused.GetAsync(Sessions, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    /// <summary>What the key has left, with what is the tenant's own cut off.</summary>
    private static async Task<string> LeftAsync(KgentsHost host, string key)
    {
        using var client = host.ClientWith(key);
        using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var left = response.Headers.GetValues("RateLimit").Single();
        return left[..(left.IndexOf("t=", left.IndexOf("key-day", StringComparison.Ordinal), StringComparison.Ordinal))];
    }

    private static async Task<(string Tenant, string Keys, QuotaRecord Quota)> ReadAsync(KgentsHost host)
    {
        var keys = await host.Client.GetFromJsonAsync<JsonElement>(Keys, TestContext.Current.CancellationToken);

        // But for the time of the last use, which is told to the minute and stored when there is time.
        return (
            await host.Client.GetStringAsync(Tenant, TestContext.Current.CancellationToken),
            string.Join('\n', keys.GetProperty("keys").EnumerateArray().Select(key => string.Join(' ', key.EnumerateObject().Where(member => member.Name != "last_used_at")))),
            (await host.Services.GetRequiredService<TenantQuota>().FindAsync(TenantId.Parse("acme"), TestContext.Current.CancellationToken))!);
    }

    private Task<KgentsHost> StartAsync() => KgentsHost.StartAsync(
        Nats.Url,
        Parts.Api | Parts.Streaming,
        time,
        ("ConnectionStrings:llm", Model.ConnectionString),
        ("Plans:Table:narrow:TokensPerMonth", "100000"));
}
