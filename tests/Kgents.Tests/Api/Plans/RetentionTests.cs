using System.Net;
using Kgents.Api.Retention;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>A session goes when nothing was said in it for as long as its tenant's plan says, and no other does.</summary>
public sealed class RetentionTests : TurnTest
{
    /// <summary>Longer than any pause of the machine's: what is old is so by a time that the test gives.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private KgentsHost host = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = ModelScript.Reply("hello");
        host = await StartAsync(Kept);
    }

    public override async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SilentSessions_AreDeleted_AndThoseInUseAreNot()
    {
        var (empty, silent, inUse) = (await host.Client.CreateSessionAsync(), await host.Client.CreateSessionAsync(), await host.Client.CreateSessionAsync());
        await host.Client.SayAsync(silent, "hello");
        var end = await TimeAsync() + Kept;
        await host.Client.SayAsync(inUse, "still here");
        var young = await host.Client.CreateSessionAsync();

        await ApplyAsync(host, end);

        Assert.Equal([HttpStatusCode.NotFound, HttpStatusCode.NotFound, HttpStatusCode.OK, HttpStatusCode.OK], [await StatusAsync(empty), await StatusAsync(silent), await StatusAsync(inUse), await StatusAsync(young)]);
        await Remains.NoneAsync(host, SessionId.Parse(silent));

        // What was used is billed all the same.
        Assert.NotEmpty(await host.Reader.ReadAsync(Streams.Usage.Name, Subjects.Usage(Conversations.Tenant, SessionId.Parse(silent)), 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>More than are looked at in one piece, of which the last is in use; and another tenant, whose plan keeps everything.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EverySession_IsLookedAt_AndNoOtherTenants()
    {
        using var other = await host.NewClientAsync("other");
        var theirs = await other.CreateSessionAsync();
        var sessions = new List<string>();
        for (var number = 0; number < 300; number++)
        {
            sessions.Add(await host.Client.CreateSessionAsync());
        }

        var end = await TimeAsync() + Kept;
        await host.Client.SayAsync(sessions[^1], "still here");

        await Task.WhenAll(ApplyAsync(host, end), ApplyAsync(host, end));

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(sessions[^1]));
        Assert.All(await Task.WhenAll(sessions.SkipLast(1).Select(StatusAsync)), status => Assert.Equal(HttpStatusCode.NotFound, status));
        using var response = await other.GetAsync(new Uri($"/v1/kgent/sessions/{theirs}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Sessions_GoByThemselves_AfterTheInterval()
    {
        await using var eager = await StartAsync(TimeSpan.FromMilliseconds(500), ("Retention:Interval", "00:00:00.200"));
        var session = await host.Client.CreateSessionAsync();

        await Eventually.TrueAsync(async () => await StatusAsync(session) == HttpStatusCode.NotFound);
    }

    /// <summary>The plan may keep them longer by now.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Nothing_IsDeleted_ByAReplicaThatDoesNotKnowThePlansOfNow()
    {
        var time = new RacingTime();
        await using var blind = await KgentsHost.StartAsync(Nats.Url, Parts.Api, time, ("Plans:Table:custom:Retention", $"{Kept}"));
        var session = await host.Client.CreateSessionAsync();
        var end = await TimeAsync() + Kept;

        time.IsRacing = true;
        await ApplyAsync(blind, end);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(session));

        await ApplyAsync(host, end);
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(session));
    }

    /// <summary>When it races, a minute passes between any two looks at it: all that was heard is old.</summary>
    private sealed class RacingTime : TimeProvider
    {
        private long looks;

        public bool IsRacing { get; set; }

        public override long GetTimestamp() => System.GetTimestamp() + (IsRacing ? Interlocked.Increment(ref looks) * 60 * TimestampFrequency : 0);
    }

    private Task<KgentsHost> StartAsync(TimeSpan kept, params (string, string?)[] settings) => KgentsHost.StartAsync(
        Nats.Url,
        Parts.Api | Parts.Streaming,
        [
            ("ConnectionStrings:llm", Model.ConnectionString),
            ("Plans:Table:custom:Retention", $"{kept}"),
            ("Plans:Table:keeps:Budgets", "dialogue"),
            ("Plans:Default", "keeps"),
            ("Deletions:Interval", "00:00:00.050"),
            ("Deletions:PurgeAgainAfter", "00:00:00.500"),
            .. settings,
        ]);

    /// <summary>The broker's, by which all is dated: what is stored before is older, and what comes after is not.</summary>
    private async Task<DateTimeOffset> TimeAsync() => await host.Reader.TimeAsync(Streams.Messages.Name, TestContext.Current.CancellationToken);

    private static Task ApplyAsync(KgentsHost host, DateTimeOffset now) => host.Services.GetRequiredService<SessionRetention>().ApplyAsync(now, TestContext.Current.CancellationToken);

    private async Task<HttpStatusCode> StatusAsync(string session)
    {
        using var response = await host.Client.GetAsync(new Uri($"/v1/kgent/sessions/{session}", UriKind.Relative), TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
