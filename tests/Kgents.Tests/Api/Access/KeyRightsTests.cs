using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

/// <summary>No key gives, or takes for itself, more than it has.</summary>
public sealed class KeyRightsTests : KeyTest
{
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
}
