using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Plans;

/// <summary>A tenant makes as many requests as its plan says, and not one more, whichever replicas it asks and whatever is restarted.</summary>
public sealed class RequestLimitTests : IAsyncLifetime
{
    private static readonly Uri Sessions = new("/v1/kgent/sessions?limit=1", UriKind.Relative);

    private readonly MovableTime time = new(12, 30, 1);
    private NatsServer nats = null!;
    private KgentsHost host = null!;
    private KgentsHost replica = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        (host, replica) = (await StartAsync(), await StartAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await replica.DisposeAsync();
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AsManyPass_AsThePlanSays_OfManyAtOnceOnTwoReplicas()
    {
        await AssertThatSoManyPassAsync("by-day", 40);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AsManyPass_AsABucketHas_OfManyAtOnceOnTwoReplicas()
    {
        var (here, there) = await AssertThatSoManyPassAsync("bucket", 40);

        // A quarter of a minute fills a quarter of it, for both together.
        time.MoveTo(12, 30, 16);
        Assert.Equal(10, (await Task.WhenAll(AskAsync(here, 20), AskAsync(there, 20))).SelectMany(statuses => statuses).Count(status => status == 200));
    }

    /// <summary>By the real clock, so the bucket fills while they come: what passes more than it had is what filled in, and no more.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task AsManyPass_AsABucketHasAndWhatFillsIt_WhileThousandsComeOnTwoReplicas()
    {
        const int Limit = 600;
        await using var first = await StartAsync(TimeProvider.System);
        await using var second = await StartAsync(TimeProvider.System);
        using var here = await first.NewClientAsync("acme", "read");
        using var changed = await first.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "pro-minute" }, TestContext.Current.CancellationToken);
        using var there = second.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
        await Eventually.TrueAsync(async () => (await second.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/acme", TestContext.Current.CancellationToken)).GetProperty("plan").GetString() == "pro-minute");

        var time = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 5 * Limit).Select(async number =>
        {
            using var response = await (number % 2 == 0 ? here : there).GetAsync(Sessions, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }));
        var filled = Limit * time.Elapsed.TotalMinutes;

        var passed = answers.Count(answer => answer == HttpStatusCode.OK);
        TestContext.Current.TestOutputHelper!.WriteLine($"{passed} of {5 * Limit} requests passed a limit of {Limit} in {time.Elapsed.TotalSeconds:0.0} s, in which {filled:0.0} filled in.");
        Assert.Equal(5 * Limit, passed + answers.Count(answer => answer == HttpStatusCode.TooManyRequests));
        Assert.InRange(passed, Limit, Limit + (int)filled + 1);
    }

    private async Task<(HttpClient Here, HttpClient There)> AssertThatSoManyPassAsync(string plan, int limit)
    {
        var (here, there) = await ClientsAsync(plan);

        var answers = await Task.WhenAll(Enumerable.Range(0, 5 * limit).Select(async number =>
        {
            using var response = await (number % 2 == 0 ? here : there).GetAsync(Sessions, TestContext.Current.CancellationToken);
            return response.StatusCode;
        }));

        Assert.Equal(limit, answers.Count(answer => answer == HttpStatusCode.OK));
        Assert.Equal(4 * limit, answers.Count(answer => answer == HttpStatusCode.TooManyRequests));
        return (here, there);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Headers_SayWhatIsLeft_AndARefusalNamesThePolicy()
    {
        var (here, _) = await ClientsAsync("by-minute");
        time.MoveTo(12, 30, 15);

        using var first = await here.GetAsync(Sessions, TestContext.Current.CancellationToken);
        using var second = await here.GetAsync(Sessions, TestContext.Current.CancellationToken);
        using var refused = await here.GetAsync(Sessions, TestContext.Current.CancellationToken);

        Assert.Equal("\"minute\";q=2;w=60, \"day\";q=50;w=86400", Header(first, "RateLimit-Policy"));
        Assert.Equal("\"minute\";r=1;t=30, \"day\";r=49;t=41385", Header(first, "RateLimit"));
        Assert.Equal(("2", "1"), (Header(first, "X-RateLimit-Limit"), Header(first, "X-RateLimit-Remaining")));
        Assert.Equal("30", Header(first, "X-RateLimit-Reset"));
        Assert.Equal("\"minute\";r=0;t=60, \"day\";r=48;t=41385", Header(second, "RateLimit"));

        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.TooManyRequests, "application/problem+json"), (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.GetProperty("type").GetString());
        Assert.Equal(["minute"], problem.GetProperty("violated-policies").EnumerateArray().Select(policy => policy.GetString()));
        Assert.Equal(TimeSpan.FromSeconds(30), refused.Headers.RetryAfter?.Delta);
    }

    /// <summary>What was counted says so, whatever else is wrong with it.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("{")]
    [InlineData("{\"title\":7}")]
    public async Task Refusals_OfARequest_SayWhatIsLeft(string body)
    {
        using var client = await host.NewClientAsync("acme", "read", "write");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "by-day" }, TestContext.Current.CancellationToken);
        using var content = new StringContent(body, null, "application/json");

        using var refused = await client.PostAsync(new Uri("/v1/kgent/sessions", UriKind.Relative), content, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, "39"), (refused.StatusCode, Header(refused, "X-RateLimit-Remaining")));
        Assert.StartsWith("\"day\";r=39;", Header(refused, "RateLimit"), StringComparison.Ordinal);
    }

    /// <summary>The turn of a minute gives nothing: only time does.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Bucket_FillsWithTime_AndWhatItRefusedIsNotInTheDay()
    {
        var (here, there) = await ClientsAsync("by-minute");
        time.MoveTo(12, 30, 58);
        Assert.Equal([200, 200, 429, 429, 429], await AskAsync(here, 5));
        Assert.Equal([429], await AskAsync(there, 1));
        time.MoveTo(12, 31, 27);
        Assert.Equal([429], await AskAsync(here, 1));
        Assert.Equal([429], await AskAsync(there, 1));

        time.MoveTo(12, 31, 28);
        using var next = await there.GetAsync(Sessions, TestContext.Current.CancellationToken);
        Assert.Equal([429], await AskAsync(here, 1));
        Assert.Equal([429], await AskAsync(there, 1));

        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
        Assert.Contains("\"day\";r=47;", Header(next, "RateLimit"), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("by-day")]
    [InlineData("bucket")]
    public async Task Counts_AreAsBefore_WhenEverythingWasRestarted(string plan)
    {
        var (here, _) = await ClientsAsync(plan);
        Assert.All(await AskAsync(here, 30), status => Assert.Equal(200, status));
        await host.DisposeAsync();
        await nats.KillAsync(TestContext.Current.CancellationToken);
        await nats.RestartAsync(TestContext.Current.CancellationToken);
        host = await StartAsync();

        using var after = host.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync(Sessions, TestContext.Current.CancellationToken)).IsSuccessStatusCode);

        Assert.Equal(10, (await AskAsync(after, 20)).Count(status => status == 200));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Bucket_FillsAgain_WhenAProcessWithAWrongClockWroteATimeFarAhead()
    {
        var (here, there) = await ClientsAsync("by-minute");
        await Conversations.StoreAsync(host, Subjects.RequestRate(TenantId.Parse("acme"), null), """{"spent":2,"at":"2999-01-01T00:00:00Z"}"""u8.ToArray());
        Assert.Equal([429, 429], await AskAsync(here, 2));

        time.MoveTo(12, 31, 1);

        Assert.Equal([200, 200, 429], await AskAsync(there, 3));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task KeysOwnLimit_IsThatKeysAlone_AndCanBeChanged()
    {
        using var free = await host.NewClientAsync("acme", "read");
        using var created = await host.Client.PostAsJsonAsync(
            "/v1/admin/tenants/acme/keys", new { name = "narrow", scopes = new[] { "read" }, requests_per_day = 2 }, TestContext.Current.CancellationToken);
        var key = await created.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal(2, key.GetProperty("requests_per_day").GetInt64());
        using var narrow = host.ClientWith(key.GetProperty("key").GetString());

        Assert.Equal([200, 200, 429], await AskAsync(narrow, 3));
        Assert.Equal([200, 200, 200], await AskAsync(free, 3));

        using var raised = await host.Client.PatchAsJsonAsync(
            $"/v1/admin/tenants/acme/keys/{key.GetProperty("id").GetString()}", new { requests_per_day = 5 }, TestContext.Current.CancellationToken);
        Assert.Equal([200, 200, 429], await AskAsync(narrow, 3));

        using var changed = await host.Client.PatchAsJsonAsync(
            $"/v1/admin/tenants/acme/keys/{key.GetProperty("id").GetString()}", new { requests_per_day = 0 }, TestContext.Current.CancellationToken);
        Assert.Equal([200, 200, 200], await AskAsync(narrow, 3));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Refusals_OfTheCallerAreNotCounted_AndOneWithoutLimitsIsToldNone()
    {
        var (here, _) = await ClientsAsync("by-day");
        using var stranger = host.ClientWith(KgentsHost.NewKey());
        Assert.Equal([401], await AskAsync(stranger, 1));
        using var forbidden = await here.GetAsync(new Uri("/v1/admin/tenants", UriKind.Relative), TestContext.Current.CancellationToken);

        using var first = await here.GetAsync(Sessions, TestContext.Current.CancellationToken);
        using var unlimited = await host.Client.GetAsync(Sessions, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, forbidden.StatusCode);
        Assert.Equal("39", Header(first, "X-RateLimit-Remaining"));
        Assert.False(unlimited.Headers.Contains("RateLimit"));
    }

    private static async Task<IReadOnlyList<int>> AskAsync(HttpClient client, int times)
    {
        var statuses = new List<int>();
        for (var count = 0; count < times; count++)
        {
            using var response = await client.GetAsync(Sessions, TestContext.Current.CancellationToken);
            statuses.Add((int)response.StatusCode);
        }

        return statuses;
    }

    private static string Header(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues(name));

    private Task<KgentsHost> StartAsync() => StartAsync(time);

    private Task<KgentsHost> StartAsync(TimeProvider clock) => KgentsHost.StartAsync(
        nats.Url,
        Parts.Api,
        clock,
        ("Plans:Table:by-day:RequestsPerDay", "40"),
        ("Plans:Table:bucket:RequestsPerMinute", "40"),
        ("Plans:Table:pro-minute:RequestsPerMinute", "600"),
        ("Plans:Table:by-minute:RequestsPerMinute", "2"),
        ("Plans:Table:by-minute:RequestsPerDay", "50"));

    /// <summary>A tenant of this plan, at both replicas.</summary>
    private async Task<(HttpClient Here, HttpClient There)> ClientsAsync(string plan)
    {
        var here = await host.NewClientAsync("acme", "read");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan }, TestContext.Current.CancellationToken);
        Assert.Equal(plan, (await changed.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("plan").GetString());
        await Eventually.TrueAsync(async () => (await replica.Client.GetFromJsonAsync<JsonElement>("/v1/admin/tenants/acme", TestContext.Current.CancellationToken)).GetProperty("plan").GetString() == plan);
        await Eventually.TrueAsync(async () =>
        {
            using var probe = replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter);
            using var response = await probe.GetAsync(new Uri("/v1/admin/tenants", UriKind.Relative), TestContext.Current.CancellationToken);
            return response.StatusCode == HttpStatusCode.Forbidden;
        });
        return (here, replica.ClientWith(here.DefaultRequestHeaders.Authorization!.Parameter));
    }

    /// <summary>It is tomorrow, at the time of day that the test says, and stays so; timers go on as they do.</summary>
    private sealed class MovableTime : TimeProvider
    {
        private DateTimeOffset now;

        public MovableTime(int hour, int minute, int second) => MoveTo(hour, minute, second);

        public void MoveTo(int hour, int minute, int second)
        {
            var today = System.GetUtcNow();
            now = today - today.TimeOfDay + TimeSpan.FromDays(1) + new TimeSpan(hour, minute, second);
        }

        public override DateTimeOffset GetUtcNow() => now;
    }
}
