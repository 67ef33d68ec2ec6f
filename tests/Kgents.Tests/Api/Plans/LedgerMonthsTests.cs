using Kgents.Api.Plans;
using Kgents.Api.Usage;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;
using Kgents.Tests.ServiceDefaults.Nats;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Kgents.Tests.Api.Plans;

/// <summary>What many tenants used in a month is read together.</summary>
public sealed class LedgerMonthsTests : MeteringTest
{
    private static readonly TenantId[] Tenants = [.. Enumerable.Range(0, 6).Select(number => TenantId.Parse($"tenant-{number}"))];

    [Theory(Timeout = Limits.Test)]
    [InlineData(200_000, 1)]
    [InlineData(2, 3)]
    [InlineData(1, 6)]
    public async Task Ledger_IsReadOnceForAsManyTenantsAsFit(int most, int passes)
    {
        await using var metering = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        foreach (var (number, tenant) in Tenants.Index())
        {
            await Recorder.RecordAsync(UsageSample.Event($"usage {number}", tenant, 3 * number, at: now), tenant);
        }

        await Recorder.SettledAsync();
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var reading = new LogStream(proxy.Url);
        var months = new LedgerMonths(reading.Reader, metering.Services.GetRequiredService<IOptions<NatsTopologyOptions>>());
        await months.ReadAsync(Tenants.Take(1), UsageWindow.Month(now), most, TestContext.Current.CancellationToken);
        var once = Batches();
        Assert.NotEqual(0, once);
        var left = Tenants.ToHashSet();
        var found = new Dictionary<TenantId, long?>();
        var count = 0;
        while (left.Count > 0)
        {
            foreach (var (tenant, month) in await months.ReadAsync(left, UsageWindow.Month(now), most, TestContext.Current.CancellationToken))
            {
                found[tenant] = month.Tokens;
                left.Remove(tenant);
            }

            count++;
        }

        Assert.Equal(Tenants.Index().Select(each => (each.Item, (long?)(4 * each.Index))), Tenants.Select(tenant => (tenant, found[tenant])));
        Assert.Equal(passes, count);
        Assert.Equal((1 + passes) * once, Batches());

        int Batches() => proxy.PublishedSubjects.Count(subject => subject == $"$JS.API.DIRECT.GET.{Streams.Ledger.Name}");
    }

    /// <summary>So a tenant's month gets it back when it is compared the next time.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhatWasTakenBack_IsNotUsed()
    {
        await using var metering = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var sequence = await Recorder.RecordAsync(UsageSample.Event("corrected", UsageRecorder.Tenant, 30, at: now));
        await Recorder.SettledAsync();
        Assert.Equal(0, (await RunAsync(metering, "ledger", "correct", $"{sequence}", "--reason", "slow", "--reference", "ticket-7", "--take", "input_tokens_uncached=12")).Code);
        await Recorder.SettledAsync();

        var months = new LedgerMonths(Recorder.Host.Reader, metering.Services.GetRequiredService<IOptions<NatsTopologyOptions>>());
        var found = await months.ReadAsync([UsageRecorder.Tenant], UsageWindow.Month(now), 200_000, TestContext.Current.CancellationToken);

        Assert.Equal(40 - 12, found[UsageRecorder.Tenant].Tokens);
    }
}
