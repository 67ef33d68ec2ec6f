using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Api.Plans;

/// <summary>Of many requests at once, on two replicas, as many pass as the plan says and not one more.</summary>
public sealed class RequestRaceTests : RequestLimitTest
{
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
}
