using System.Net;
using System.Net.Http.Json;
using Kgents.Api.Tickets;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Access;

/// <summary>A ticket opens its turn and nothing else, as it was issued, while it and its key last.</summary>
public sealed class StreamTicketRefusalTests : StreamTicketTest
{
    /// <summary>Anybody may send one, so none of them may cost anything but this process's own work.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Ticket_ThatNobodyIssued_CostsNoRead()
    {
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var fresh = await KgentsHost.StartAsync(proxy.Url, Parts.Api, time);
        await Eventually.TrueAsync(() => proxy.PublishedSubjects.Contains("$JS.API.STREAM.MSG.GET.KV_kgents_api_keys") && fresh.Services.GetRequiredService<TicketSecret>().IsKnown);
        var before = ReadsOf(proxy);

        var forged = $"kt_default_{time.GetUtcNow().AddMinutes(1).ToUnixTimeSeconds()}_k-0123456789abcdef0123456789abcdef_{new string('A', 43)}";
        Assert.Equal(401, (await AskAsync(fresh, Events("s0-0123456789abcdef0123456789abcdef", TurnId.New(time), forged))).Status);

        Assert.Equal(before, ReadsOf(proxy));

        static int ReadsOf(NatsProxy proxy) => proxy.PublishedSubjects.Count(subject => subject.Contains(".GET.", StringComparison.Ordinal));
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
        Model.DefaultScript = held;
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
}
