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

/// <summary>Turns side by side never use more than the month has.</summary>
public sealed class QuotaTests : QuotaTest
{
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

    /// <summary>Where Kgents counts, by nothing. Where the provider says that a prompt was longer than it was counted here, by that difference, for each turn that was open.</summary>
    [Theory(Timeout = 2 * Limits.Test)]
    [InlineData(0)]
    [InlineData(1_500)]
    public async Task Quota_IsOverrunByAtMostWhatPromptsDiffer_ByFiftyTurnsSideBySideOnTwoReplicas(int prompt)
    {
        const long Quota = 10_000;
        ModelStep usage = prompt == 0 ? new ModelStep.OmitUsage() : new ModelStep.Usage(prompt, 60);
        Model.DefaultScript = new ModelScript([.. Enumerable.Repeat(new ModelStep.Token("word "), 60), usage]);
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", $"{Quota}"));
        await using var replica = await StartAsync(Nats.Url, Parts.Api, ("Plans:Table:narrow:TokensPerMonth", $"{Quota}"));
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
        var time = new ShiftedTime { Ahead = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero) - TimeSpan.FromSeconds(30) - now };
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, time, ("Plans:Table:narrow:TokensPerMonth", "2000"));
        using var client = await ClientAsync(host);
        Model.Enqueue(new ModelScript(new ModelStep.Token("much"), new ModelStep.Usage(1000, 999)));
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
        var time = new ShiftedTime { Ahead = turnOfMonth - TimeSpan.FromSeconds(30) - now };
        await using var host = await StartAsync(Nats.Url, Parts.Api, time);
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
        var time = new ShiftedTime { Ahead = turnOfMonth.AddDays(3) - now };
        await using var host = await StartAsync(Nats.Url, Parts.Api, time);
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
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "3000"));
        using var client = await ClientAsync(host);
        Model.Enqueue(new ModelScript(new ModelStep.Token("Only so"), new ModelStep.Finish("length"), new ModelStep.Usage(700, 2)));
        var session = await client.CreateSessionAsync();

        var turn = new Turn(await client.SayAsync(session, "tell me everything"));

        var asked = Assert.Single(Model.Requests);
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
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", $"{Month}"));
        using var client = await ClientAsync(host);
        var piece = string.Concat(Enumerable.Repeat("word ", words));
        Model.Enqueue(new ModelScript([.. Enumerable.Repeat(new ModelStep.Token(piece), 5_000 / words), new ModelStep.Stall()]));
        var session = await client.CreateSessionAsync();

        var turn = new Turn(await client.SayAsync(session, "tell me everything"));

        var most = Assert.Single(Model.Requests).MaxTokens!.Value;
        Assert.Equal(("error", "quota_exceeded"), (turn.EndKind, turn.End.GetProperty("code").GetString()));
        var answer = (await client.MessagesAsync(session))[1];
        Assert.Equal(turn.Text, answer.GetProperty("content").GetString());
        Assert.InRange(turn.Text.Length, "word ".Length * most / 2, "word ".Length * most);
        var billed = await BilledAsync(host);
        Assert.InRange(billed, Month - Cut, Month);
        Assert.Equal((billed, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Quota_Holds_WhenAProcessWithAWrongClockWroteAMonthFarAhead()
    {
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
        await using var host = await StartAsync(Nats.Url, Parts.Api | Parts.Streaming, ("Plans:Table:narrow:TokensPerMonth", "10000"));
        await using var wrong = await StartAsync(Nats.Url, Parts.Api, new ShiftedTime { Ahead = TimeSpan.FromDays(4000) });
        using var client = await ClientAsync(host);
        var stray = new TurnAddress(Acme, SessionId.Parse(await client.CreateSessionAsync()), TurnId.New(TimeProvider.System));
        var quota = wrong.Services.GetRequiredService<TenantQuota>();
        await quota.ReserveAsync(stray, 1, 1, 10_000, 0, TestContext.Current.CancellationToken);
        await quota.ReleaseAsync(stray, TestContext.Current.CancellationToken);

        Assert.Equal("complete", new Turn(await client.SayAsync(await client.CreateSessionAsync(), "well?")).EndKind);

        Assert.Equal(100, (await QuotaAsync(host)).Settled);
    }

    private static async Task<long> BilledAsync(KgentsHost host) =>
        await host.Reader.ReadAsync(Streams.Usage.Name, "kgents.usage.*.acme.turns", 1, 0, TestContext.Current.CancellationToken)
            .Select(entry => JsonElement.Parse(entry.Data.Span))
            .Where(usage => usage.GetProperty("type").GetString() == UsageEvent.BillableType)
            .Select(usage => long.Parse(usage.GetProperty("data").GetProperty("total_tokens").GetString()!, System.Globalization.CultureInfo.InvariantCulture))
            .SumAsync(TestContext.Current.CancellationToken);
}
