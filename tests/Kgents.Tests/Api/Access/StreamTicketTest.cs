using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Access;

/// <summary>Two replicas of the API, and clocks that a test moves.</summary>
public abstract class StreamTicketTest : TurnTest
{
    private protected readonly MovableTime time = new();
    private protected KgentsHost host = null!;
    private protected KgentsHost replica = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = ModelScript.Reply("one", " two");
        host = await KgentsHost.StartAsync(Nats.Url, Parts.Api | Parts.Streaming, time, ("ConnectionStrings:llm", Model.ConnectionString));
        replica = await KgentsHost.StartAsync(Nats.Url, Parts.Api, time);
    }

    public override async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static (string Path, string? Cursor) Events(string session, TurnId turn, string? ticket, string? cursor = null) =>
        ($"/v1/kgent/sessions/{session}/turns/{turn}/events" + (ticket is null ? "" : $"?ticket={ticket}"), cursor);

    private protected static async Task<(string Session, Turn Turn)> SayAsync(HttpClient client)
    {
        var session = await client.CreateSessionAsync();
        return (session, new Turn(await client.SayAsync(session, "count")));
    }

    private protected static async Task<(string Ticket, DateTimeOffset Expires)> IssueAsync(HttpClient client, string session, TurnId turn)
    {
        using var response = await client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/ticket", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return (answer.GetProperty("ticket").GetString()!, answer.GetProperty("expires_at").GetDateTimeOffset());
    }

    private protected static async Task<IReadOnlyList<SseFrame>> FollowAsync(KgentsHost host, string session, TurnId turn, string ticket, string? cursor = null)
    {
        using var client = host.ClientWith(null);
        using var request = Request(Events(session, turn, ticket, cursor));
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The answer to a request without a key, or with a client's; its body without what differs from request to request.</summary>
    private protected static async Task<(int Status, string Body)> AskAsync(KgentsHost host, (string Path, string? Cursor) at, HttpClient? client = null)
    {
        using var anonymous = host.ClientWith(null);
        using var request = Request(at);
        using var response = await (client ?? anonymous).SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split(",\"trace_id\"")[0]);
    }

    private protected static HttpRequestMessage Request((string Path, string? Cursor) at)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(at.Path, UriKind.Relative));
        if (at.Cursor is not null)
        {
            request.Headers.Add("Last-Event-ID", at.Cursor);
        }

        return request;
    }

    /// <summary>The operator's key, once the replica knows it too.</summary>
    private protected async Task<string> KeyOfHostAsync()
    {
        var key = host.Client.DefaultRequestHeaders.Authorization!.Parameter!;
        using var there = replica.ClientWith(key);
        await Eventually.TrueAsync(async () => (await AskAsync(replica, ("/v1/keys", null), there)).Status == 200);
        return key;
    }
}
