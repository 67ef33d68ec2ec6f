using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Plans;

/// <summary>What is left is said, is right after a restart, and fills with time.</summary>
public sealed class RequestLimitTests : RequestLimitTest
{
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

    private static string Header(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues(name));
}
