using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api;

/// <summary>What may change of a session, and what its listing makes of it.</summary>
public sealed class SessionChangeTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Deletions:Interval", "00:00:00.050"), ("Deletions:PurgeAgainAfter", "00:00:00.100"), ("Turns:AckWait", "00:00:00.500"));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Session_ChangesWhatIsNamed_AndKeepsTheRest()
    {
        using var created = await host.Client.PostAsJsonAsync("/v1/kgent/sessions", new { title = "before", metadata = new { a = "1" } }, TestContext.Current.CancellationToken);
        var session = (await JsonAsync(created)).GetProperty("id").GetString()!;

        var renamed = await ChangeAsync(session, new { title = "after" });
        var noted = await ChangeAsync(session, new { metadata = new { b = "2" } });
        var untitled = await ChangeAsync(session, new { title = "" });
        var read = await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);

        Assert.Equal(("after", """{"a":"1"}"""), (renamed.GetProperty("title").GetString(), renamed.GetProperty("metadata").GetRawText()));
        Assert.Equal(("after", """{"b":"2"}"""), (noted.GetProperty("title").GetString(), noted.GetProperty("metadata").GetRawText()));
        Assert.False(untitled.TryGetProperty("title", out _));
        Assert.Equal(untitled.GetRawText(), read.GetRawText());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task ArchivedSession_IsShownApart_AndTakesNoMessages()
    {
        var (archived, active) = (await host.Client.CreateSessionAsync(), await host.Client.CreateSessionAsync());
        await host.Client.SayAsync(archived, "before");

        var changed = await ChangeAsync(archived, new { status = "archived" });
        using var refused = await host.Client.PostAsync(archived, "after");

        Assert.Equal("archived", changed.GetProperty("status").GetString());
        Assert.Equal((HttpStatusCode.Conflict, "urn:kgents:problem:session-archived"), (refused.StatusCode, (await JsonAsync(refused)).GetProperty("type").GetString()));
        Assert.Equal(2, (await host.Client.MessagesAsync(archived)).Count);
        Assert.Equal([active], await ListAsync(""));
        Assert.Equal([archived], await ListAsync("?status=archived"));
        Assert.Equal([active, archived], await ListAsync("?status=any"));

        await ChangeAsync(archived, new { status = "active" });
        Assert.Equal("complete", new Turn(await host.Client.SayAsync(archived, "again")).EndKind);
        Assert.Equal([active, archived], await ListAsync(""));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Listing_FindsTheFewOfATenant_AmongTheManyOfAnother()
    {
        using var other = await host.NewClientAsync("other");
        var own = new List<string> { await host.Client.CreateSessionAsync() };
        await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => other.CreateSessionAsync()));
        own.Add(await host.Client.CreateSessionAsync());
        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => other.CreateSessionAsync()));
        own.Add(await host.Client.CreateSessionAsync());

        var page = await host.Client.GetFromJsonAsync<JsonElement>("/v1/kgent/sessions?limit=2", TestContext.Current.CancellationToken);
        var rest = await ListAsync($"?cursor={page.GetProperty("next").GetString()}");
        var all = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var next = await other.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions?limit=100{cursor}", TestContext.Current.CancellationToken);
            all.AddRange(Ids(next));
            cursor = next.TryGetProperty("next", out var text) ? $"&cursor={text.GetString()}" : null;
        }

        Assert.Equal([own[2], own[1]], Ids(page));
        Assert.Equal([own[0]], rest);
        Assert.Equal((800, 800), (all.Count, all.Distinct().Count()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task DeletedSession_LeavesNothingOfItsChanges_AndCannotBeChanged()
    {
        var session = await host.Client.CreateSessionAsync();
        await ChangeAsync(session, new { title = "secret plans" });

        using var deleted = await host.Client.DeleteAsync(new Uri($"/v1/kgent/sessions/{session}", UriKind.Relative), TestContext.Current.CancellationToken);
        using var refused = await host.Client.PatchAsJsonAsync($"/v1/kgent/sessions/{session}", new { title = "again" }, TestContext.Current.CancellationToken);

        Assert.Equal([HttpStatusCode.Accepted, HttpStatusCode.NotFound], [deleted.StatusCode, refused.StatusCode]);
        await Eventually.TrueAsync(async () => await host.Reader.LastAsync(
            Subjects.KeyValueStream(Buckets.SessionDetails), Subjects.SessionDetails(Conversations.Tenant, SessionId.Parse(session)), TestContext.Current.CancellationToken) is null);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Changes_AreAllKept_WhenManyComeAtOnce()
    {
        var session = await host.Client.CreateSessionAsync();

        await Task.WhenAll(ChangeAsync(session, new { title = "together" }), ChangeAsync(session, new { metadata = new { a = "b" } }), ChangeAsync(session, new { status = "archived" }));

        var read = await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions/{session}", TestContext.Current.CancellationToken);
        Assert.Equal(("together", "b", "archived"), (
            read.GetProperty("title").GetString(), read.GetProperty("metadata").GetProperty("a").GetString(), read.GetProperty("status").GetString()));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("""{"status":"gone"}""", 422, "status")]
    [InlineData("""{"metadata":{"":"x"}}""", 422, "metadata")]
    [InlineData("""{"metadata":{"a":null}}""", 422, "metadata")]
    [InlineData("""{"metadata":{"a":{"b":"c"}}}""", 400, "metadata.a")]
    [InlineData("""{"mode":"advise"}""", 400, "mode")]
    public async Task Change_IsRefusedByName_WhenItIsNotValid(string body, int status, string field)
    {
        var session = await host.Client.CreateSessionAsync();

        using var response = await host.Client.PatchAsync($"/v1/kgent/sessions/{session}", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

        Assert.Equal((status, field), ((int)response.StatusCode, Assert.Single((await JsonAsync(response)).GetProperty("errors").EnumerateObject()).Name));
    }

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) => await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

    private static string[] Ids(JsonElement page) => [.. page.GetProperty("sessions").EnumerateArray().Select(session => session.GetProperty("id").GetString()!)];

    private async Task<JsonElement> ChangeAsync(string session, object change)
    {
        using var response = await host.Client.PatchAsJsonAsync($"/v1/kgent/sessions/{session}", change, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await JsonAsync(response);
    }

    private async Task<string[]> ListAsync(string query) => Ids(await host.Client.GetFromJsonAsync<JsonElement>($"/v1/kgent/sessions{query}", TestContext.Current.CancellationToken));
}
