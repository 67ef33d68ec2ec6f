using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>Turns side by side never use more than the month has, and what is reserved is given back whoever dies.</summary>
public sealed class QuotaTests : IAsyncLifetime
{
    private static readonly TenantId Acme = TenantId.Parse("acme");

    private NatsServer nats = null!;
    private ScriptedModelServer model = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        model = await ScriptedModelServer.StartAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await model.DisposeAsync();
        await nats.DisposeAsync();
    }

    /// <summary>Where Kgents counts, by nothing. Where the provider says that a prompt was longer than it was counted here, by that difference, for each turn that was open.</summary>
    [Theory(Timeout = 2 * Limits.Test)]
    [InlineData(0)]
    [InlineData(1_500)]
    public async Task Quota_IsOverrunByAtMostWhatPromptsDiffer_ByFiftyTurnsSideBySideOnTwoReplicas(int prompt)
    {
        const long Quota = 10_000;
        ModelStep usage = prompt == 0 ? new ModelStep.OmitUsage() : new ModelStep.Usage(prompt, 60);
        model.DefaultScript = new ModelScript([.. Enumerable.Repeat(new ModelStep.Token("word "), 60), usage]);
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", $"{Quota}"));
        await using var replica = await StartAsync(nats.Url, Parts.Api, ("Plans:Table:narrow:TokensPerMonth", $"{Quota}"));
        var (here, there) = await ClientsAsync(host, replica);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => here.CreateSessionAsync()));

        var ends = await Task.WhenAll(sessions.Select((session, number) => TalkUntilRefusedAsync(number % 2 == 0 ? here : there, session)));

        var quota = await QuotaAsync(host);
        var billed = await BilledAsync(host);
        Assert.Empty(quota.Open);
        Assert.Equal(billed, quota.Settled);
        TestContext.Current.TestOutputHelper!.WriteLine($"Fifty turns side by side used {billed} of {Quota} tokens, with {(prompt == 0 ? "prompts as they are counted" : $"prompts that the provider calls {prompt}")}.");

        // A reservation has a token for the answer at least, so no more are open than there are tokens; the prompt alone is hundreds.
        Assert.InRange(billed, Quota * (prompt == 0 ? 9 : 8) / 10, Quota + (prompt == 0 ? 0 : 50L * prompt));
        Assert.All(ends, end => Assert.True(end is "429 tokens" or "quota_exceeded", end));
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.quota.refused", "kgents.messages")]
    public async Task Turn_IsRefusedUntilTheNextMonth_WhenTheMonthIsUsedUp()
    {
        // The end of last month: what is stored is from then on in the future, and nothing has waited for too long.
        var now = TimeProvider.System.GetUtcNow();
        var time = new MovableTime { Ahead = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero) - TimeSpan.FromSeconds(30) - now };
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, time, ("Plans:Table:narrow:TokensPerMonth", "2000"));
        using var client = await ClientAsync(host);
        model.Enqueue(new ModelScript(new ModelStep.Token("much"), new ModelStep.Usage(1000, 999)));
        var session = await client.CreateSessionAsync();
        Assert.Equal("complete", new Turn(await client.SayAsync(session, "all of it")).EndKind);

        using var refused = await client.PostAsync(session, "a bit more?");
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        time.Ahead += refused.Headers.RetryAfter!.Delta!.Value;
        await Eventually.TrueAsync(async () => (await client.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        var next = new Turn(await client.SayAsync(session, "a bit more?"));

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.GetProperty("type").GetString());
        Assert.Equal(["tokens"], problem.GetProperty("violated-policies").EnumerateArray().Select(policy => policy.GetString()));
        Assert.Equal("complete", next.EndKind);
        Assert.True((await QuotaAsync(host)).Settled < 1000);
    }

    /// <summary>Whatever the clock says when it is settled, and in whatever offset the time is written.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_CountsInTheMonthOfUtcInWhichItEnded()
    {
        var now = TimeProvider.System.GetUtcNow();
        var turnOfMonth = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var time = new MovableTime { Ahead = turnOfMonth - TimeSpan.FromSeconds(30) - now };
        await using var host = await StartAsync(nats.Url, Parts.Api, time);
        var quota = host.Services.GetRequiredService<TenantQuota>();
        var turns = Enumerable.Range(0, 4).Select(_ => new TurnAddress(Acme, SessionId.New(0, time), TurnId.New(time))).ToList();
        foreach (var turn in turns)
        {
            Assert.IsType<QuotaAnswer.Granted>(await quota.ReserveAsync(turn, 1, 100, 10_000, 0, TestContext.Current.CancellationToken));
        }

        await quota.SettleAsync(turns[0], 1_000, time.GetUtcNow(), TestContext.Current.CancellationToken);
        Assert.Equal(1_000, (await QuotaAsync(host)).Settled);
        time.Ahead += TimeSpan.FromMinutes(1);
        await quota.SettleAsync(turns[1], 100, (turnOfMonth - TimeSpan.FromTicks(1)).ToOffset(TimeSpan.FromHours(14)), TestContext.Current.CancellationToken);
        await quota.SettleAsync(turns[2], 10, turnOfMonth.ToOffset(TimeSpan.FromHours(-12)), TestContext.Current.CancellationToken);
        await quota.SettleAsync(turns[3], 1, turnOfMonth - TimeSpan.FromTicks(1), TestContext.Current.CancellationToken);

        Assert.Equal((10, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    /// <summary>By the sweeper, say, days after its worker died: what the new month has used since is not forgotten.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Month_KeepsWhatIsSettled_WhenATurnOfAnEarlierOneIsSettledLate()
    {
        var now = TimeProvider.System.GetUtcNow();
        var turnOfMonth = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        var time = new MovableTime { Ahead = turnOfMonth.AddDays(3) - now };
        await using var host = await StartAsync(nats.Url, Parts.Api, time);
        var quota = host.Services.GetRequiredService<TenantQuota>();
        var turns = Enumerable.Range(0, 3).Select(_ => new TurnAddress(Acme, SessionId.New(0, time), TurnId.New(time))).ToList();
        foreach (var turn in turns)
        {
            Assert.IsType<QuotaAnswer.Granted>(await quota.ReserveAsync(turn, 1, 100, 10_000, 0, TestContext.Current.CancellationToken));
        }

        await quota.SettleAsync(turns[0], 1_000, time.GetUtcNow(), TestContext.Current.CancellationToken);
        await quota.SettleAsync(turns[1], 100, turnOfMonth.AddDays(-5), TestContext.Current.CancellationToken);

        Assert.Equal((TenantQuota.PeriodOf(turnOfMonth), 1_000, 1), await MonthAsync());

        // Whoever ended it had a clock that is years ahead: it was this month all the same.
        await quota.SettleAsync(turns[2], 10, turnOfMonth.AddYears(5), TestContext.Current.CancellationToken);
        Assert.Equal((TenantQuota.PeriodOf(turnOfMonth), 1_010, 0), await MonthAsync());

        async Task<(string Period, long Settled, int Open)> MonthAsync() => await QuotaAsync(host) is var record ? (record.Period, record.Settled, record.Open.Count) : default;
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Answer_IsCutAndKeptAndBilled_WhenItReachesTheQuota()
    {
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "3000"));
        using var client = await ClientAsync(host);
        model.Enqueue(new ModelScript(new ModelStep.Token("Only so"), new ModelStep.Finish("length"), new ModelStep.Usage(700, 2)));
        var session = await client.CreateSessionAsync();

        var turn = new Turn(await client.SayAsync(session, "tell me everything"));

        var asked = Assert.Single(model.Requests);
        Assert.InRange(asked.MaxTokens!.Value, 1, 2999);
        Assert.Equal(("error", "quota_exceeded"), (turn.EndKind, turn.End.GetProperty("code").GetString()));
        var answer = (await client.MessagesAsync(session))[1];
        Assert.Equal(("Only so", "failed"), (answer.GetProperty("content").GetString(), answer.GetProperty("status").GetString()));
        Assert.Equal((702, 702), (await BilledAsync(host), (await QuotaAsync(host)).Settled));
    }

    /// <summary>It would say five thousand words, in pieces or at once, and never end. Prompt and answer are billed as counted here, which is what was reserved.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(5_000)]
    public async Task Answer_IsCutAndKeptAndBilled_WhenTheModelDoesNotKeepToItsLength(int words)
    {
        const int Month = 1_500;
        const int Cut = 5; // a text that is cut between two characters has a few tokens less
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", $"{Month}"));
        using var client = await ClientAsync(host);
        var piece = string.Concat(Enumerable.Repeat("word ", words));
        model.Enqueue(new ModelScript([.. Enumerable.Repeat(new ModelStep.Token(piece), 5_000 / words), new ModelStep.Stall()]));
        var session = await client.CreateSessionAsync();

        var turn = new Turn(await client.SayAsync(session, "tell me everything"));

        var most = Assert.Single(model.Requests).MaxTokens!.Value;
        Assert.Equal(("error", "quota_exceeded"), (turn.EndKind, turn.End.GetProperty("code").GetString()));
        var answer = (await client.MessagesAsync(session))[1];
        Assert.Equal(turn.Text, answer.GetProperty("content").GetString());
        Assert.InRange(turn.Text.Length, "word ".Length * most / 2, "word ".Length * most);
        var billed = await BilledAsync(host);
        Assert.InRange(billed, Month - Cut, Month);
        Assert.Equal((billed, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AsManyTurnsAreOpen_AsThePlanSays_OfManyPostsAtOnceOnTwoReplicas()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.DefaultScript = held;
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "3"));
        await using var replica = await StartAsync(nats.Url, Parts.Api, ("Plans:Table:narrow:Turns", "3"));
        var (here, there) = await ClientsAsync(host, replica);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => here.CreateSessionAsync()));

        var responses = await Task.WhenAll(sessions.Select((session, number) => (number % 2 == 0 ? here : there).PostAsync(session, "hello")));
        for (var turn = 0; turn < 4; turn++)
        {
            held.Release();
        }

        var turns = await Task.WhenAll(responses.Where(response => response.IsSuccessStatusCode).Select(response => response.TurnAsync()));

        Assert.Equal(3, turns.Length);
        Assert.Equal(17, responses.Count(response => response.StatusCode == HttpStatusCode.TooManyRequests));
        Assert.Empty((await QuotaAsync(host)).Open);
        Assert.Equal("complete", new Turn(await there.SayAsync(sessions[0], "again")).EndKind);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(CutPoint.BeforeForward)]
    [InlineData(CutPoint.BeforeReply)]
    public async Task Turn_IsSettledOnce_WhenItsWorkerIsCutOffOverIt(CutPoint point)
    {
        model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await StartAsync(nats.Url, Parts.Api, ("Plans:Table:narrow:TokensPerMonth", "10000"));
        var worker = await StartAsync(proxy.Url, Parts.Streaming, ("Turns:AckWait", "00:00:00.500"), ("Turns:DrainTimeout", "00:00:00"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();

        // It reserves, and settles at the second write.
        proxy.CutAt(2, point, subject => subject.StartsWith("$KV.kgents_quota.", StringComparison.Ordinal));
        using var response = await client.PostAsync(session, "well?");
        await proxy.CutHappened;
        await worker.DisposeAsync();
        await using var other = await StartAsync(nats.Url, Parts.Streaming, ("Turns:AckWait", "00:00:00.500"));
        var turn = await response.TurnAsync();

        Assert.Equal("complete", turn.EndKind);
        Assert.Equal((100, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsFreeAgain_WhenWhoTookItDiedBeforeItStoredTheMessage()
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "1"), ("Sweep:QuotaInterval", "00:00:00.200"), ("Sweep:QuotaAge", "00:00:05"));
        await using var dying = await StartAsync(proxy.Url, Parts.Api, ("Plans:Table:narrow:Turns", "1"), ("Messages:AcceptTimeout", "00:00:01"));
        var (here, there) = await ClientsAsync(host, dying);
        var session = await here.CreateSessionAsync();

        proxy.CutAt(1, CutPoint.BeforeForward, subject => subject.StartsWith("kgents.messages.", StringComparison.Ordinal));
        using var lost = await there.PostAsync(session, "lost");
        using var refused = await here.PostAsync(session, "one too many");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.TooManyRequests), (lost.StatusCode, refused.StatusCode));
        await Eventually.TrueAsync(async () => (await QuotaAsync(host)).Open.Count == 0);
        Assert.Equal("complete", new Turn(await here.SayAsync(session, "again")).EndKind);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyedMessage_TakesOnePlace_HoweverOftenItIsSent()
    {
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "100000"), ("Plans:Table:narrow:Turns", "1"));
        using var client = await ClientAsync(host);
        model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        var session = await client.CreateSessionAsync();
        var body = new { message = "hello", on_busy = "enqueue" };

        var turns = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ => await (await client.PostAsync(session, "key-1", body)).TurnAsync()));
        var again = await (await client.PostAsync(session, "key-1", body)).TurnAsync();

        Assert.Single(turns.Append(again).Select(turn => turn.Id).Distinct());
        Assert.Equal((100, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeyedMessage_IsRunOnce_WhenThereWasNoRoomForItAtFirst()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.Enqueue(held);
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "1"));
        using var client = await ClientAsync(host);
        using var running = await client.PostAsync(await client.CreateSessionAsync(), "first");
        var session = await client.CreateSessionAsync();

        using var refused = await client.PostAsync(session, "key-1", new { message = "hello" });
        var entries = await host.EntriesAsync();
        held.Release();
        await running.TurnAsync();
        var turns = await Task.WhenAll(Enumerable.Range(0, 5).Select(async _ => await (await client.PostAsync(session, "key-1", new { message = "hello" })).TurnAsync()));

        Assert.Equal((HttpStatusCode.TooManyRequests, 1), (refused.StatusCode, entries));
        Assert.Single(turns.Select(turn => turn.Id).Distinct());
        Assert.Equal(2, (await client.MessagesAsync(session)).Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotSettledTwice_WhenItTakesItsPlaceAgainAfterItsEnd()
    {
        model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var host = await StartAsync(
            nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "10000"), ("Sweep:QuotaInterval", "00:00:00.200"), ("Sweep:QuotaAge", "00:00:00"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();
        var turn = new Turn(await client.SayAsync(session, "well?"));

        // As a worker does that slept, and does not know yet that another has finished its turn.
        await host.Services.GetRequiredService<TenantQuota>().ReserveAsync(new TurnAddress(Acme, SessionId.Parse(session), turn.Id), 1, 100, 10_000, 0, TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(async () => (await QuotaAsync(host)).Open.Count == 0);
        Assert.Equal(100, (await QuotaAsync(host)).Settled);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Quota_Holds_WhenAProcessWithAWrongClockWroteAMonthFarAhead()
    {
        model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "10000"));
        await using var wrong = await StartAsync(nats.Url, Parts.Api, new MovableTime { Ahead = TimeSpan.FromDays(4000) });
        using var client = await ClientAsync(host);
        var stray = new TurnAddress(Acme, SessionId.Parse(await client.CreateSessionAsync()), TurnId.New(TimeProvider.System));
        var quota = wrong.Services.GetRequiredService<TenantQuota>();
        await quota.ReserveAsync(stray, 1, 1, 10_000, 0, TestContext.Current.CancellationToken);
        await quota.ReleaseAsync(stray, TestContext.Current.CancellationToken);

        Assert.Equal("complete", new Turn(await client.SayAsync(await client.CreateSessionAsync(), "well?")).EndKind);

        Assert.Equal(100, (await QuotaAsync(host)).Settled);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Place_IsGivenBack_WhenTheSessionIsBusy()
    {
        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"));
        model.DefaultScript = held;
        await using var host = await StartAsync(nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:Turns", "10"));
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();
        using var running = await client.PostAsync(session, "first");

        var busy = await Task.WhenAll(Enumerable.Range(0, 5).Select(number => number % 2 == 0 ? client.PostAsync(session, "second") : client.PostAsync(session, $"key-{number}", new { message = "second" })));

        Assert.All(busy, response => Assert.Equal(HttpStatusCode.Conflict, response.StatusCode));
        Assert.Single((await QuotaAsync(host)).Open);
        held.Release();
        await running.TurnAsync();
    }

    private static async Task<string> TalkUntilRefusedAsync(HttpClient client, string session)
    {
        while (true)
        {
            var response = await client.PostAsync(session, "say sixty words");
            if (response.StatusCode == HttpStatusCode.TooManyRequests)
            {
                using (response)
                {
                    if (response.Headers.RetryAfter!.Delta < TimeSpan.FromMinutes(1))
                    {
                        // Others hold what is left, and may give some of it back.
                        await Task.Delay(50, TestContext.Current.CancellationToken);
                        continue;
                    }

                    var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
                    return $"429 {problem.GetProperty("violated-policies")[0].GetString()}";
                }
            }

            var turn = await response.TurnAsync();
            if (turn.EndKind != "complete")
            {
                return turn.End.GetProperty("code").GetString()!;
            }
        }
    }

    private static async Task<QuotaRecord> QuotaAsync(KgentsHost host) =>
        (await host.Services.GetRequiredService<TenantQuota>().FindAsync(Acme, TestContext.Current.CancellationToken))!;

    private static async Task<long> BilledAsync(KgentsHost host) =>
        await host.Reader.ReadAsync(Streams.Usage.Name, "kgents.usage.*.acme.turns", 1, 0, TestContext.Current.CancellationToken)
            .Select(entry => JsonElement.Parse(entry.Data.Span))
            .Where(usage => usage.GetProperty("type").GetString() == UsageEvent.BillableType)
            .Select(usage => long.Parse(usage.GetProperty("data").GetProperty("total_tokens").GetString()!, System.Globalization.CultureInfo.InvariantCulture))
            .SumAsync(TestContext.Current.CancellationToken);

    private static async Task<HttpClient> ClientAsync(KgentsHost host)
    {
        var client = await host.NewClientAsync("acme");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "narrow" }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        return client;
    }

    private static async Task<(HttpClient Here, HttpClient There)> ClientsAsync(KgentsHost host, KgentsHost replica)
    {
        var here = await ClientAsync(host);
        var there = replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
        await Eventually.TrueAsync(async () =>
        {
            using var known = await there.GetAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), TestContext.Current.CancellationToken);
            return known.IsSuccessStatusCode && replica.Services.GetRequiredService<Kgents.Api.Plans.PlanCatalog>().Of(Acme).Name == "narrow";
        });
        return (here, there);
    }

    private Task<KgentsHost> StartAsync(string url, Parts parts, params (string Key, string? Value)[] settings) => StartAsync(url, parts, TimeProvider.System, settings);

    private Task<KgentsHost> StartAsync(string url, Parts parts, TimeProvider time, params (string Key, string? Value)[] settings) =>
        KgentsHost.StartAsync(url, parts, time, [("ConnectionStrings:llm", model.ConnectionString), ("Plans:Table:narrow:Budgets", "dialogue,whisper"), .. settings]);

    /// <summary>A clock that can be put forward, with timers as they are.</summary>
    private sealed class MovableTime : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
