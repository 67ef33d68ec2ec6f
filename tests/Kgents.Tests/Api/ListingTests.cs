using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

public sealed class ListingTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming);
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Sessions_AreListedNewestFirstPageByPage()
    {
        var created = new List<string>();
        for (var number = 0; number < 7; number++)
        {
            created.Add(await host.Client.CreateSessionAsync());
        }

        var listed = await PagesAsync("/v1/kgent/sessions?limit=3", "sessions");

        Assert.Equal([3, 3, 1], listed.Select(page => page.Count));
        Assert.Equal(created.AsEnumerable().Reverse(), listed.SelectMany(page => page).Select(session => session.GetProperty("id").GetString()!));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Messages_AreListedOldestFirstPageByPage()
    {
        var session = await host.Client.CreateSessionAsync();
        string[] said = ["one", "two", "three"];
        foreach (var text in said)
        {
            await host.Client.SayAsync(session, text);
        }

        var listed = await PagesAsync($"/v1/kgent/sessions/{session}/messages?limit=4", "messages");

        Assert.Equal([4, 2], listed.Select(page => page.Count));
        var messages = listed.SelectMany(page => page).ToList();
        Assert.Equal(["user", "assistant", "user", "assistant", "user", "assistant"], messages.Select(message => message.GetProperty("role").GetString()!));
        Assert.Equal(said, messages.Where(message => message.GetProperty("role").GetString() == "user").Select(message => message.GetProperty("content").GetString()!));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Session_CountsItsMessages()
    {
        var session = await host.Client.CreateSessionAsync("advise");
        await host.Client.SayAsync(session, "one");
        await host.Client.SayAsync(session, "two");

        var found = await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);

        Assert.Equal((4, "advise", "active"), (found.GetProperty("message_count").GetInt32(), found.GetProperty("mode").GetString(), found.GetProperty("status").GetString()));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("cursor=-5", "cursor")]
    public async Task Listing_Answers400NamingTheField_WhenThePageIsNotOne(string query, string field)
    {
        using var response = await host.Client.GetAsync($"/v1/kgent/sessions?{query}", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("/v1/kgent/sessions", "sessions")]
    [InlineData("/v1/admin/tenants", "tenants")]
    public async Task Limit_AboveTheMost_IsTheMost(string path, string items)
    {
        await Parallel.ForAsync(0, 101, TestContext.Current.CancellationToken, async (number, token) =>
        {
            using var created = items == "sessions" ? await host.Client.PostAsJsonAsync(path, new { }, token) : await host.Client.PostAsJsonAsync(path, new { name = $"{number}" }, token);
            created.EnsureSuccessStatusCode();
        });

        var listed = await PagesAsync($"{path}?limit=100000", items);

        Assert.Equal(100, listed[0].Count);
        Assert.Equal(2, listed.Count);
    }

    private async Task<List<List<JsonElement>>> PagesAsync(string address, string items)
    {
        var pages = new List<List<JsonElement>>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await host.Client.GetFromJsonAsync<JsonElement>(address + (cursor.Length > 0 ? $"&cursor={cursor}" : ""), TestContext.Current.CancellationToken);
            pages.Add([.. page.GetProperty(items).EnumerateArray()]);
            cursor = page.TryGetProperty("next", out var next) ? next.GetString() : null;
        }

        return pages;
    }
}
