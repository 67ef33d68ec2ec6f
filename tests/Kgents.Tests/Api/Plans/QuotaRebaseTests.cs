using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Plans;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Quotas;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Plans;

/// <summary>Whatever is wrong in a tenant's month is right again after an hour, and what is right stays.</summary>
public sealed class QuotaRebaseTests : TurnTest
{
    private const string Soon = "00:00:00.100";
    private const string Never = "1.00:00:00";
    private static readonly TenantId Acme = TenantId.Parse("acme");

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Model.DefaultScript = new ModelScript(new ModelStep.Token("yes"), new ModelStep.Usage(70, 30));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(5_000, true)]
    public async Task Settled_IsWhatWasRecorded_WhateverItWas(long wrong, bool hasLedger)
    {
        await using var metering = hasLedger ? await UsageRecorder.StartMeteringAsync(Nats, openMeter: null) : null;
        await using var host = await StartAsync(Soon);
        using var client = await ClientAsync(host);
        for (var turn = 0; turn < 3; turn++)
        {
            await client.SayAsync(await client.CreateSessionAsync(), "well?");
        }

        var held = new ModelScript(new ModelStep.WaitForRelease(), new ModelStep.Token("done"), new ModelStep.Usage(7, 3));
        Model.Enqueue(held);
        using var running = await client.PostAsync(await client.CreateSessionAsync(), "wait");
        await Eventually.TrueAsync(async () => (await QuotaAsync(host)) is { Open.Count: 1 });

        var last = await QuotaAsync(host);
        await Conversations.StoreAsync(host, Subjects.KeyValue(Buckets.Quota, "acme"), JsonSerializer.SerializeToUtf8Bytes(last with { Settled = wrong }, WireJson.Default.QuotaRecord));

        await Eventually.TrueAsync(async () => await QuotaAsync(host) is { Settled: 300, Open.Count: 1 });
        held.Release();
        Assert.Equal("complete", (await running.TurnAsync()).EndKind);
        Assert.Equal((310, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    /// <summary>It would correct its own faults: so there must be none to correct.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Settled_IsLeftAlone_WhileManyTurnsEnd(bool hasLedger)
    {
        await using var metering = hasLedger ? await UsageRecorder.StartMeteringAsync(Nats, openMeter: null) : null;
        await using var host = await StartAsync(Soon);
        using var client = await ClientAsync(host);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.CreateSessionAsync()));

        var talking = Task.WhenAll(sessions.Select(async session =>
        {
            for (var turn = 0; turn < 10; turn++)
            {
                await client.SayAsync(session, "well?");
            }
        }));
        var rebase = host.Services.GetRequiredService<QuotaRebase>();
        while (!talking.IsCompleted)
        {
            await rebase.ApplyOnceAsync(TestContext.Current.CancellationToken);
        }

        await talking;
        Assert.Equal((8_000, 0), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
        Assert.NotNull((await QuotaAsync(host)).RebasedAt);
        Assert.DoesNotContain(host.Logs.Lines, line => line.Contains("it is corrected", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Fault_IsCorrectedOnce_WhenTwoHaveSeenIt()
    {
        await using var host = await StartAsync(Never);
        using var client = await ClientAsync(host);
        await client.SayAsync(await client.CreateSessionAsync(), "well?");
        var seen = (await QuotaAsync(host)) with { };
        var quotas = host.Services.GetRequiredService<TenantQuota>();

        await quotas.RebaseAsync(Acme, seen, 500, TestContext.Current.CancellationToken);
        await quotas.RebaseAsync(Acme, seen, 500, TestContext.Current.CancellationToken);

        Assert.Equal(600, (await QuotaAsync(host)).Settled);
    }

    /// <summary>Replicas that start together find the same tenants due; whoever comes to one later leaves it to its next time.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Tenant_IsLeftOut_WhenAnotherReplicaHasRebasedItMeanwhile()
    {
        await using var host = await StartAsync(Never);
        using var client = await ClientAsync(host);
        await client.SayAsync(await client.CreateSessionAsync(), "well?");
        var rebase = host.Services.GetRequiredService<QuotaRebase>();
        var due = TimeProvider.System.GetUtcNow();
        await rebase.ApplyAsync([Acme], due, TestContext.Current.CancellationToken);
        var first = (await QuotaAsync(host)).RebasedAt;
        Assert.NotNull(first);

        await rebase.ApplyAsync([Acme], due, TestContext.Current.CancellationToken);
        Assert.Equal(first, (await QuotaAsync(host)).RebasedAt);

        await rebase.ApplyAsync([Acme], TimeProvider.System.GetUtcNow(), TestContext.Current.CancellationToken);
        Assert.NotEqual(first, (await QuotaAsync(host)).RebasedAt);
    }

    /// <summary>A worker died after it recorded the usage of a turn and before it settled it; the ledger has that usage.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Turn_IsNotCountedTwice_WhenItIsRecordedAndNotSettledYet()
    {
        await using var metering = await UsageRecorder.StartMeteringAsync(Nats, openMeter: null);
        await using var host = await StartAsync(Never);
        using var client = await ClientAsync(host);
        var session = await client.CreateSessionAsync();
        var turn = new Turn(await client.SayAsync(session, "well?"));
        var ledger = new LedgerView(host);
        await Eventually.TrueAsync(async () => (await ledger.StateAsync()).ReceivedThrough == await ledger.RecordedAsync());
        var unsettled = (await QuotaAsync(host)) with { Settled = 0, Open = new Dictionary<string, OpenTurn> { [turn.Id.ToString()] = new(SessionId.Parse(session), 100, TimeProvider.System.GetUtcNow()) } };
        await Conversations.StoreAsync(host, Subjects.KeyValue(Buckets.Quota, "acme"), JsonSerializer.SerializeToUtf8Bytes(unsettled, WireJson.Default.QuotaRecord));

        await host.Services.GetRequiredService<QuotaRebase>().ApplyOnceAsync(TestContext.Current.CancellationToken);

        Assert.Equal((0, 1), ((await QuotaAsync(host)).Settled, (await QuotaAsync(host)).Open.Count));
    }

    /// <summary>Another replica's clock is in the next month already, or the month ends while it is compared.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Settled_IsLeftAlone_WhenItIsOfAnotherMonthThanWhatWasRecorded()
    {
        var now = TimeProvider.System.GetUtcNow();
        var next = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);
        var time = new MovableTime { Ahead = next - TimeSpan.FromMinutes(1) - now };
        await using var host = await KgentsHost.StartAsync(Nats.Url, Parts.Api, time, ("Quotas:RebaseInterval", Never));
        var record = new QuotaRecord(TenantQuota.PeriodOf(next), 500, new Dictionary<string, OpenTurn>());
        await Conversations.StoreAsync(host, Subjects.KeyValue(Buckets.Quota, "acme"), JsonSerializer.SerializeToUtf8Bytes(record, WireJson.Default.QuotaRecord));

        await host.Services.GetRequiredService<QuotaRebase>().ApplyOnceAsync(TestContext.Current.CancellationToken);

        var after = await QuotaAsync(host);
        Assert.Equal((TenantQuota.PeriodOf(next), 500, null), (after.Period, after.Settled, after.RebasedAt));
        Assert.Contains(host.Logs.Lines, line => line.Contains("could not be compared", StringComparison.Ordinal));
    }

    private static async Task<QuotaRecord> QuotaAsync(KgentsHost host) =>
        (await host.Services.GetRequiredService<TenantQuota>().FindAsync(Acme, TestContext.Current.CancellationToken))!;

    private static async Task<HttpClient> ClientAsync(KgentsHost host)
    {
        var client = await host.NewClientAsync("acme");
        using var changed = await host.Client.PatchAsJsonAsync("/v1/admin/tenants/acme", new { plan = "wide" }, TestContext.Current.CancellationToken);
        changed.EnsureSuccessStatusCode();
        return client;
    }

    private Task<KgentsHost> StartAsync(string interval) => KgentsHost.StartAsync(
        Nats.Url,
        Parts.Api | Parts.Streaming,
        ("ConnectionStrings:llm", Model.ConnectionString),
        ("Quotas:RebaseInterval", interval),
        ("Plans:Table:wide:TokensPerMonth", "1000000"));
}
