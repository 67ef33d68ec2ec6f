using Kgents.Api.Metering;
using Kgents.Contracts;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Metering;

public sealed class RequestCountsTests
{
    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly ApiKeyId Key = ApiKeyId.Parse("k-0123456789abcdef0123456789abcdef");

    [Fact]
    public async Task EachRequest_IsTakenOnce_WhileOthersAreCounted()
    {
        const int Threads = 4;
        const int Each = 20_000;
        var counts = new RequestCounts(Options.Create(new RequestMeteringOptions()), TimeProvider.System);
        using var start = new Barrier(Threads + 1);
        var counting = Enumerable.Range(0, Threads).Select(_ => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                for (var number = 0; number < Each; number++)
                {
                    counts.Add(Tenant, Key, number % 2 == 0 ? "even" : "odd");
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToList();

        var all = Task.WhenAll(counting);
        var taken = 0L;
        start.SignalAndWait(TestContext.Current.CancellationToken);
        while (!all.IsCompleted)
        {
            taken += counts.Take().Counts.Values.Sum(count => count.Requests);
        }

        await all;
        Assert.Equal(Threads * Each, taken + counts.Take().Counts.Values.Sum(count => count.Requests));
    }

    [Fact]
    public void Requests_OfTwoHours_AreNeverCountedTogether()
    {
        var time = new MovableTime();
        var counts = new RequestCounts(Options.Create(new RequestMeteringOptions()), time);

        counts.Add(Tenant, Key, "one");
        time.Ahead = TimeSpan.FromHours(1);
        counts.Add(Tenant, Key, "one");

        var taken = counts.Take().Counts;
        Assert.Equal([1, 1], taken.Values.Select(count => count.Requests));
        Assert.All(taken, each => Assert.Equal(each.Key.Hour, each.Value.Last.UtcTicks / TimeSpan.TicksPerHour));
    }

    [Fact]
    public void WhatDoesNotFit_IsSaid_AndTheRestGoesOn()
    {
        var counts = new RequestCounts(Options.Create(new RequestMeteringOptions { MaxCounts = 2 }), TimeProvider.System);
        foreach (var operation in (string[])["a", "b", "c", "a", "d", "b"])
        {
            counts.Add(Tenant, Key, operation);
        }

        var (taken, notCounted) = counts.Take();
        Assert.Equal((2, 4L, 2L), (taken.Count, taken.Values.Sum(count => count.Requests), notCounted));
        Assert.Equal(0L, counts.Take().NotCounted);
    }
}
