using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
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

    [Fact(Timeout = Limits.Test)]
    public async Task Page_IsShort_WhenMuchWouldBeReadToFillIt()
    {
        // Two that are archived, and between them more than are looked at for a page, as they are stored.
        var oldest = await ArchivedAsync();
        var sample = await host.Reader.LastAsync(Subjects.KeyValueStream(Buckets.Sessions), Subjects.KeyValue(Buckets.Sessions, ">"), TestContext.Current.CancellationToken);
        for (var number = 0; number < 1500; number++)
        {
            var id = SessionId.New(0, TimeProvider.System).ToString();
            await host.JetStream.Connection.PublishAsync(
                sample!.Subject.Replace(oldest, id, StringComparison.Ordinal),
                Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(sample.Data.Span).Replace(oldest, id, StringComparison.Ordinal)),
                cancellationToken: TestContext.Current.CancellationToken);
        }

        var newest = await ArchivedAsync();

        var pages = await PagesAsync("/v1/kgent/sessions?status=archived&limit=2", "sessions");

        Assert.Equal([newest, oldest], pages.SelectMany(page => page).Select(session => session.GetProperty("id").GetString()!));
        Assert.Single(pages[0]);
        Assert.Equal(1502, (await PagesAsync("/v1/kgent/sessions?status=any&limit=100", "sessions")).Sum(page => page.Count));
    }

    /// <summary>For a batch the server would count all that the tenant has at the end of the bucket.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Page_IsReadSessionBySession()
    {
        for (var number = 0; number < 5; number++)
        {
            await host.Client.CreateSessionAsync();
        }

        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var seen = await KgentsHost.StartAsync(proxy.Url, Parts.Api);
        var page = await seen.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions?limit=3", TestContext.Current.CancellationToken);

        Assert.Equal(3, page.GetProperty("sessions").GetArrayLength());
        var asked = proxy.PublishedSubjects.Where(subject => subject.EndsWith($".{Subjects.KeyValueStream(Buckets.Sessions)}", StringComparison.Ordinal)).ToList();
        Assert.Equal(3 + 1, asked.Count(subject => subject.StartsWith("$JS.API.STREAM.MSG.GET.", StringComparison.Ordinal)));
        Assert.DoesNotContain(asked, subject => subject.StartsWith("$JS.API.DIRECT.GET.", StringComparison.Ordinal));
    }

    private async Task<string> ArchivedAsync()
    {
        var session = await host.Client.CreateSessionAsync();
        using var archived = await host.Client.PatchAsJsonAsync($"/v1/kgent/sessions/{session}", new { status = "archived" }, TestContext.Current.CancellationToken);
        archived.EnsureSuccessStatusCode();
        return session;
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
