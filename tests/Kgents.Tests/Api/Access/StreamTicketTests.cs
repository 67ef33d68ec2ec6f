using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Tickets;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Access;

/// <summary>A browser's EventSource, which sends no headers, follows one turn with a ticket.</summary>
public sealed class StreamTicketTests : IAsyncLifetime
{
    private readonly MovableTime time = new();
    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
        model.DefaultScript = ModelScript.Reply("one", " two");
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api | Parts.Streaming, time, ("ConnectionStrings:llm", model.ConnectionString));
        replica = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_OpensAndResumesItsTurn_OnEveryReplica_AndAfterARestart()
    {
        var (session, turn) = await SayAsync(host.Client);
        var (ticket, expires) = await IssueAsync(host.Client, session, turn.Id);
        await using var restarted = await KgentsHost.StartAsync(nats.Url, Parts.Api, time);

        Assert.Equal(time.GetUtcNow() + TimeSpan.FromMinutes(5), expires, TimeSpan.FromSeconds(1));
        foreach (var each in new[] { host, replica, restarted })
        {
            Assert.Equal(turn.Frames, await FollowAsync(each, session, turn.Id, ticket));
            Assert.Equal(turn.Frames.Skip(2), await FollowAsync(each, session, turn.Id, ticket, turn.Frames[1].Id));
            Assert.Equal((204, ""), await AskAsync(each, Events(session, turn.Id, ticket, turn.Frames[^1].Id)));
        }
    }

    /// <summary>Anybody may send one, so none of them may cost anything but this process's own work.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_ThatNobodyIssued_CostsNoRead()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var fresh = await KgentsHost.StartAsync(proxy.Url, Parts.Api, time);
        await Eventually.TrueAsync(() => proxy.PublishedSubjects.Contains("$JS.API.STREAM.MSG.GET.KV_kgents_api_keys") && fresh.Services.GetRequiredService<TicketSecret>().IsKnown);
        var before = ReadsOf(proxy);

        var forged = $"kt_default_{time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds()}_k-0123456789abcdef0123456789abcdef_{new string('A', 43)}";
        Assert.Equal(401, (await AskAsync(fresh, Events("s0-0123456789abcdef0123456789abcdef", TurnId.New(time), forged))).Status);

        Assert.Equal(before, ReadsOf(proxy));

        static int ReadsOf(NatsProxy proxy) => proxy.PublishedSubjects.Count(subject => subject.Contains(".GET.", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Replicas_SignAlike_WhenBothSignTheirFirstAtOnce()
    {
        var (session, turn) = await SayAsync(host.Client);
        using var there = replica.ClientWith(await KeyOfHostAsync());

        var tickets = await Task.WhenAll(IssueAsync(host.Client, session, turn.Id), IssueAsync(there, session, turn.Id));

        Assert.Equal(turn.Frames, await FollowAsync(replica, session, turn.Id, tickets[0].Ticket));
        Assert.Equal(turn.Frames, await FollowAsync(host, session, turn.Id, tickets[1].Ticket));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_IsNothing_WhereItIsNotFor()
    {
        var (session, turn) = await SayAsync(host.Client);
        var (ticket, _) = await IssueAsync(host.Client, session, turn.Id);
        var next = new Turn(await host.Client.SayAsync(session, "again")).Id;
        var (otherSession, _) = await SayAsync(host.Client);
        var missing = await AskAsync(host, Events(session, turn.Id, null));
        Assert.Equal(401, missing.Status);

        string[] elsewhere =
        [
            Events(session, next, ticket).Path,
            Events(otherSession, turn.Id, ticket).Path,
            Events(session, turn.Id, ticket).Path.Replace("/events", "", StringComparison.Ordinal),
            $"/v1/kgent/sessions/{session}/events?ticket={ticket}",
            $"/v1/kgent/sessions/{session}/messages?ticket={ticket}",
            $"/v1/keys?ticket={ticket}",
            Events(session, turn.Id, $"{ticket}&ticket={ticket}").Path,
            Events(session, turn.Id, await KeyOfHostAsync()).Path,
        ];

        foreach (var path in elsewhere)
        {
            Assert.Equal((path, missing), (path, await AskAsync(host, (path, null))));
        }

        using var asKey = host.ClientWith(ticket);
        Assert.Equal(missing, await AskAsync(host, Events(session, turn.Id, null), asKey));
        Assert.Equal(missing, await AskAsync(host, Events(session, turn.Id, ticket), asKey));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_IsRefused_WhenAnyOfItIsChanged()
    {
        var (session, turn) = await SayAsync(host.Client);
        await host.NewKeyAsync("acme");
        var (ticket, _) = await IssueAsync(host.Client, session, turn.Id);
        var parts = ticket.Split('_', 5);
        var missing = await AskAsync(host, Events(session, turn.Id, null));
        string[] changed =
        [
            "", "kt_", ticket[..^1], ticket + "A", ticket + "%0A", ticket.ToUpperInvariant(), new string('a', 8_000), "kt_é_1_k_x",
            string.Join('_', [parts[0], "acme", .. parts[2..]]),
            string.Join('_', [parts[0], parts[1], $"{long.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture) + 1}", .. parts[3..]]),
            string.Join('_', [parts[0], parts[1], "99999999999", .. parts[3..]]),
            string.Join('_', [.. parts[..3], "k-0123456789abcdef0123456789abcdef", parts[4]]),
            .. Enumerable.Range(0, ticket.Length).Select(at => ticket[..at] + (ticket[at] == 'a' ? 'b' : 'a') + ticket[(at + 1)..]),
        ];

        Assert.Equal(5, parts.Length);
        foreach (var each in changed)
        {
            Assert.Equal((each, missing), (each, await AskAsync(host, Events(session, turn.Id, each))));
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_Expires_ButAStreamThatIsOpenGoesOn()
    {
        var held = new ModelScript(new ModelStep.Token("one"), new ModelStep.WaitForRelease(), new ModelStep.Token(" two"));
        model.DefaultScript = held;
        var session = await host.Client.CreateSessionAsync();
        using var post = await host.Client.PostAsync(session, "count");
        var turn = TurnId.Parse((await SseClient.ReadAsync(post, TestContext.Current.CancellationToken).FirstAsync(TestContext.Current.CancellationToken)).Json.GetProperty("turn_id").GetString()!);
        var (ticket, expires) = await IssueAsync(host.Client, session, turn);
        using var anonymous = host.ClientWith(null);
        using var open = await anonymous.GetAsync(Events(session, turn, ticket).Path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        time.Ahead += expires - time.GetUtcNow() - TimeSpan.FromTicks(1);
        using (var last = await anonymous.GetAsync(Events(session, turn, ticket).Path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        }

        time.Ahead += TimeSpan.FromTicks(1);
        Assert.Equal(await AskAsync(host, Events(session, turn, null)), await AskAsync(host, Events(session, turn, ticket)));
        held.Release();
        Assert.Equal("one two", new Turn(await SseClient.ReadAsync(open, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken)).Text);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_EndsWithItsKey_ItsScope_AndItsTenant_OnEveryReplica()
    {
        var key = await host.NewKeyAsync("acme", "read", "write");
        using var client = host.ClientWith(key.GetProperty("key").GetString());
        var (session, turn) = await SayAsync(client);
        var ticket = (await IssueAsync(client, session, turn.Id)).Ticket;
        var events = Events(session, turn.Id, ticket);
        Assert.Equal(turn.Frames, await FollowAsync(replica, session, turn.Id, ticket));

        await PatchAsync("/v1/admin/tenants/acme", new { status = "paused" });
        await RefusedAsync(403, "tenant-not-active");
        await PatchAsync("/v1/admin/tenants/acme", new { status = "active" });
        await PatchAsync($"/v1/admin/tenants/acme/keys/{key.GetProperty("id")}", new { scopes = new[] { "write" } });
        await RefusedAsync(403, "scope-missing");
        await PatchAsync($"/v1/admin/tenants/acme/keys/{key.GetProperty("id")}", new { scopes = new[] { "read" } });
        await Eventually.TrueAsync(async () => (await AskAsync(replica, events)).Status == 200);
        using var revoked = await host.Client.DeleteAsync(new Uri($"/v1/admin/tenants/acme/keys/{key.GetProperty("id")}", UriKind.Relative), TestContext.Current.CancellationToken);
        await RefusedAsync(401, "unauthorized");

        async Task RefusedAsync(int status, string type)
        {
            var here = await AskAsync(host, events);
            Assert.Equal((status, true), (here.Status, here.Body.Contains(type, StringComparison.Ordinal)));
            await Eventually.TrueAsync(async () => await AskAsync(replica, events) == here);
        }

        async Task PatchAsync(string path, object change)
        {
            using var patched = await host.Client.PatchAsJsonAsync(path, change, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, patched.StatusCode);
        }
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_IsInNoLogAndNoSpan_WhateverTheSettingsSay()
    {
        var queries = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => queries.Enqueue(string.Join(' ', activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}").Append(activity.DisplayName))),
        };
        ActivitySource.AddActivityListener(listener);
        await using var talkative = await KgentsHost.StartAsync(
            nats.Url,
            Parts.Api,
            time,
            ("Logging:LogLevel:Default", "Trace"),
            ("Logging:LogLevel:Microsoft.AspNetCore", "Trace"),
            ("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("Logging:Kgents.Tests.Hosting.RecentLogs:LogLevel:Default", "Trace"),
            ("Logging:Kgents.Tests.Hosting.RecentLogs:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", "Trace"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"));
        var (session, turn) = await SayAsync(host.Client);
        var (ticket, _) = await IssueAsync(host.Client, session, turn.Id);

        Assert.Equal(turn.Frames, await FollowAsync(talkative, session, turn.Id, ticket));
        Assert.Equal(401, (await AskAsync(talkative, Events(session, turn.Id, ticket + "A"))).Status);

        await Eventually.TrueAsync(() => Task.FromResult(queries.Count(tags => tags.Contains($"{turn.Id}/events", StringComparison.Ordinal) && tags.Contains("ticket=Redacted", StringComparison.Ordinal)) == 2));
        var signature = ticket.Split('_', 5)[4];
        Assert.DoesNotContain(queries, tags => tags.Contains(signature, StringComparison.Ordinal));
        Assert.Contains(talkative.Logs.Lines, line => line.StartsWith("Debug Microsoft.AspNetCore.", StringComparison.Ordinal));
        Assert.DoesNotContain(talkative.Logs.Lines.Concat(host.Logs.Lines), line => line.Contains(signature, StringComparison.Ordinal));
    }

    private static (string Path, string? Cursor) Events(string session, TurnId turn, string? ticket, string? cursor = null) =>
        ($"/v1/kgent/sessions/{session}/turns/{turn}/events" + (ticket is null ? "" : $"?ticket={ticket}"), cursor);

    private static async Task<(string Session, Turn Turn)> SayAsync(HttpClient client)
    {
        var session = await client.CreateSessionAsync();
        return (session, new Turn(await client.SayAsync(session, "count")));
    }

    private static async Task<(string Ticket, DateTimeOffset Expires)> IssueAsync(HttpClient client, string session, TurnId turn)
    {
        using var response = await client.PostAsync(new Uri($"/v1/kgent/sessions/{session}/turns/{turn}/ticket", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return (answer.GetProperty("ticket").GetString()!, answer.GetProperty("expires_at").GetDateTimeOffset());
    }

    private static async Task<IReadOnlyList<SseFrame>> FollowAsync(KgentsHost host, string session, TurnId turn, string ticket, string? cursor = null)
    {
        using var client = host.ClientWith(null);
        using var request = Request(Events(session, turn, ticket, cursor));
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await SseClient.ReadAsync(response, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The answer to a request without a key, or with a client's; its body without what differs from request to request.</summary>
    private static async Task<(int Status, string Body)> AskAsync(KgentsHost host, (string Path, string? Cursor) at, HttpClient? client = null)
    {
        using var anonymous = host.ClientWith(null);
        using var request = Request(at);
        using var response = await (client ?? anonymous).SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split(",\"trace_id\"")[0]);
    }

    private static HttpRequestMessage Request((string Path, string? Cursor) at)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(at.Path, UriKind.Relative));
        if (at.Cursor is not null)
        {
            request.Headers.Add("Last-Event-ID", at.Cursor);
        }

        return request;
    }

    /// <summary>The operator's key, once the replica knows it too.</summary>
    private async Task<string> KeyOfHostAsync()
    {
        var key = host.Client.DefaultRequestHeaders.Authorization!.Parameter!;
        using var there = replica.ClientWith(key);
        await Eventually.TrueAsync(async () => (await AskAsync(replica, ("/v1/keys", null), there)).Status == 200);
        return key;
    }
}
