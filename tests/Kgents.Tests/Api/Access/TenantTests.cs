using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

public sealed class TenantTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        replica = await KgentsHost.StartAsync(nats.Url, Parts.Api);
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tenants_AreListedInPages_ByTheirIds()
    {
        foreach (var id in new[] { "c", "a", "b" })
        {
            using var created = await CreateAsync($$$"""{"id":"{{{id}}}","name":"Tenant {{{id}}}","settings":{"note":"x"}}""");
            Assert.Equal((HttpStatusCode.Created, $"/v1/admin/tenants/{id}"), (created.StatusCode, created.Headers.Location?.ToString()));
        }

        using var unnamed = await CreateAsync("""{"name":"without an id"}""");
        var drawn = (await JsonAsync(unnamed)).GetProperty("id").GetString();

        var first = await host.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants?limit=2", TestContext.Current.CancellationToken);
        var second = await host.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/tenants?limit=100&cursor={first.GetProperty("next").GetString()}", TestContext.Current.CancellationToken);

        Assert.Equal(["a", "b"], Ids(first));
        Assert.Equal(["c", "default", drawn], Ids(second));
        Assert.False(second.TryGetProperty("next", out _));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Tenant_IsCreatedOnce_WhenManyCreateItAtOnce()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async index =>
        {
            using var response = await (index % 2 == 0 ? host : replica).Client.PostAsJsonAsync("/v1/admin/tenants", new { id = "one", name = $"{index}" }, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }));

        Assert.Equal(19, answers.Count(answer => answer == HttpStatusCode.Conflict));
        Assert.Single(answers, answer => answer == HttpStatusCode.Created);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("paused", false)]
    [InlineData("canceled", false)]
    [InlineData("past_due", true)]
    [InlineData("trialing", true)]
    public async Task Status_DecidesOnEveryReplica_AndCanChangeBack(string status, bool mayUse)
    {
        var key = (await host.NewKeyAsync("acme")).GetProperty("key").GetString();
        using var here = host.ClientWith(key);
        using var there = replica.ClientWith(key);
        await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.OK);
        var expected = mayUse ? HttpStatusCode.OK : HttpStatusCode.Forbidden;

        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { status }, TestContext.Current.CancellationToken);

        Assert.Equal(status, (await JsonAsync(changed)).GetProperty("status").GetString());
        Assert.Equal(expected, await StatusAsync(here));
        await Eventually.TrueAsync(async () => await StatusAsync(there) == expected);

        using var back = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { status = "active" }, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => await StatusAsync(there) == HttpStatusCode.OK);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Changes_AreAllKept_WhenManyComeAtOnce()
    {
        using var created = await CreateAsync("""{"id":"busy","name":"before"}""");

        await Task.WhenAll(
            host.Client.PatchAsJsonAsync("/v1/admin/tenants/busy", new { name = "after" }, TestContext.Current.CancellationToken),
            replica.Client.PatchAsJsonAsync("/v1/admin/tenants/busy", new { status = "trialing" }, TestContext.Current.CancellationToken),
            host.Client.PatchAsJsonAsync("/v1/admin/tenants/busy", new { settings = new { a = "b" } }, TestContext.Current.CancellationToken));

        await Eventually.TrueAsync(async () =>
        {
            var tenant = await host.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/busy", TestContext.Current.CancellationToken);
            return tenant.GetProperty("name").GetString() == "after" && tenant.GetProperty("status").GetString() == "trialing" && tenant.GetProperty("settings").TryGetProperty("a", out _);
        });
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Slug_IsTheIdUntilItIsGiven_AndFindsItsTenant()
    {
        using var plain = await CreateAsync("""{"id":"plain","name":"x"}""");
        using var named = await CreateAsync("""{"id":"t-1","name":"x","slug":"acme"}""");
        Assert.Equal(("plain", "acme"), ((await JsonAsync(plain)).GetProperty("slug").GetString(), (await JsonAsync(named)).GetProperty("slug").GetString()));

        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/t-1", new { slug = "acme-2" }, TestContext.Current.CancellationToken);

        Assert.Equal("acme-2", (await JsonAsync(changed)).GetProperty("slug").GetString());
        Assert.Equal(["t-1"], Ids(await FindAsync("acme-2")));
        Assert.Equal(["plain"], Ids(await FindAsync("plain")));
        Assert.Equal(["default"], Ids(await FindAsync("default")));
        Assert.Empty(Ids(await FindAsync("acme")));
        using var back = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/t-1", new { slug = "acme" }, TestContext.Current.CancellationToken);
        Assert.Equal(["t-1"], Ids(await FindAsync("acme")));

        Task<JsonElement> FindAsync(string slug) => host.Client.GetFromJsonAsync<JsonElement>($"/v1/admin/tenants?slug={slug}", TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("""{"id":"other","name":"x","slug":"acme"}""")]
    [InlineData("""{"id":"acme","name":"x"}""")]
    [InlineData("""{"id":"other","name":"x","slug":"default"}""")]
    public async Task Slug_IsRefused_WhenAnotherTenantHasIt(string body)
    {
        using var first = await CreateAsync("""{"id":"t-1","name":"x","slug":"acme"}""");
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);

        using var taken = await CreateAsync(body);
        using var free = await CreateAsync("""{"id":"t-2","name":"x"}""");
        using var changed = await replica.Client.PatchAsJsonAsync("/v1/admin/tenants/t-1", new { slug = "t-2" }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.Conflict, HttpStatusCode.Created, HttpStatusCode.Conflict], [taken.StatusCode, free.StatusCode, changed.StatusCode]);
        Assert.Equal("urn:kgents:problem:slug-taken", (await JsonAsync(taken)).GetProperty("type").GetString());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Slug_HasOneTenant_WhenManyWantItAtOnce()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async index =>
        {
            using var response = await (index % 2 == 0 ? host : replica).Client.PostAsJsonAsync("/v1/admin/tenants", new { id = $"t-{index}", name = "x", slug = "one" }, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }));

        Assert.Single(answers, answer => answer == HttpStatusCode.Created);
        Assert.Equal(19, answers.Count(answer => answer == HttpStatusCode.Conflict));
    }

    /// <summary>Of a tenant that gave it up, or of whoever claimed it and died before it was in a record.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Slug_IsFreeAgain_FiveMinutesAfterNobodyHasIt()
    {
        var time = new MovableTime();
        await using var timed = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);
        using var created = await timed.Client.PostAsJsonAsync("/v1/admin/tenants", new { id = "t-1", name = "x", slug = "acme" }, TestContext.Current.CancellationToken);
        using var given = await timed.Client.PatchAsJsonAsync("/v1/admin/tenants/t-1", new { slug = "other" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);

        Assert.Equal(HttpStatusCode.Conflict, await WantAsync("acme"));
        time.Ahead = TimeSpan.FromMinutes(5);
        Assert.Equal(HttpStatusCode.Conflict, await WantAsync("other"));
        Assert.Equal(HttpStatusCode.Created, await WantAsync("acme"));

        async Task<HttpStatusCode> WantAsync(string slug)
        {
            using var response = await timed.Client.PostAsJsonAsync("/v1/admin/tenants", new { id = "t-2", name = "x", slug }, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("POST", "", """{"name":"x","slug":"A B"}""", 422, "slug")]
    [InlineData("PATCH", "/default", """{"slug":""}""", 422, "slug")]
    [InlineData("POST", "", "{}", 422, "name")]
    [InlineData("POST", "", """{"name":"x","id":"a.b"}""", 422, "id")]
    [InlineData("POST", "", """{"name":"x","id":"*"}""", 422, "id")]
    [InlineData("POST", "", """{"name":"x","status":"rich"}""", 422, "status")]
    [InlineData("POST", "", """{"name":"x","role":"admin"}""", 400, "role")]
    [InlineData("PATCH", "/default", """{"status":"paused"}""", 422, "status")]
    public async Task Tenant_IsRefusedByName_WhenItIsNotValid(string method, string path, string body, int status, string field)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), $"/v1/admin/tenants{path}") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        using var response = await host.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((status, field), ((int)response.StatusCode, Assert.Single((await JsonAsync(response)).GetProperty("errors").EnumerateObject()).Name));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("nobody")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("%2A")]
    [InlineData("%3E")]
    [InlineData("%0d%0a")]
    public async Task Tenant_IsNotThere_WhateverStandsForIt(string id)
    {
        using var keys = await host.Client.GetAsync(new Uri($"/v1/admin/tenants/{id}/keys", UriKind.Relative), TestContext.Current.CancellationToken);
        using var created = await host.Client.PostAsJsonAsync($"/v1/admin/tenants/{id}/keys", new { name = "x" }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.NotFound], [keys.StatusCode, created.StatusCode]);
    }

    private static string?[] Ids(JsonElement page) => [.. page.GetProperty("tenants").EnumerateArray().Select(tenant => tenant.GetProperty("id").GetString())];

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var response = await client.GetAsync(new Uri("/v1/kgent/sessions?limit=1", UriKind.Relative), TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) => JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

    private Task<HttpResponseMessage> CreateAsync(string body) =>
        host.Client.PostAsync(new Uri("/v1/admin/tenants", UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
}
