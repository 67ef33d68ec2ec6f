using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>A bucket in memory is what the bucket is, or says that it may not be.</summary>
public sealed class BucketViewTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private KgentsHost first = null!;
    private KgentsHost second = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        first = await KgentsHost.StartAsync(nats.Url, Parts.Api);
        second = await KgentsHost.StartAsync(nats.Url, Parts.Api);
    }

    public async ValueTask DisposeAsync()
    {
        await second.DisposeAsync();
        await first.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Value_IsSeenByWhoWroteItAtOnce_AndByOthersThen()
    {
        var tenant = Tenant("a", TenantStatus.Active);

        Assert.True(await StoreOf(first).TryCreateAsync("a", tenant, TestContext.Current.CancellationToken));
        Assert.Equal("a", StoreOf(first).Find("a")!.Name);
        await Eventually.TrueAsync(() => StoreOf(second).Find("a") is not null);

        Assert.False(await StoreOf(second).TryCreateAsync("a", tenant with { Name = "other" }, TestContext.Current.CancellationToken));
        Assert.Equal("a", StoreOf(second).Find("a")!.Name);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Changes_AreNoneLost_WhenTwoProcessesMakeThemAtOnce()
    {
        await StoreOf(first).TryCreateAsync("a", Tenant("", TenantStatus.Active), TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, 20).Select(index =>
            StoreOf(index % 2 == 0 ? first : second).ChangeAsync("a", tenant => tenant with { Name = tenant.Name + "x" }, TestContext.Current.CancellationToken)));

        await Eventually.TrueAsync(() => StoreOf(first).Find("a")!.Name.Length == 20 && StoreOf(second).Find("a")!.Name.Length == 20);
        Assert.Null(await StoreOf(first).ChangeAsync("none", tenant => tenant, TestContext.Current.CancellationToken));
    }

    /// <summary>Somebody else's write, or another version's: what cannot be read must not go on as what it was.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Value_IsMissing_WhenItCannotBeRead()
    {
        await StoreOf(first).TryCreateAsync("a", Tenant("a", TenantStatus.Active), TestContext.Current.CancellationToken);

        var ack = await first.JetStream.PublishAsync(
            Subjects.KeyValue(Buckets.Tenants, "a"), "{"u8.ToArray(), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        await first.Services.GetRequiredService<BucketView<TenantRecord>>().WhenSeenAsync(ack.Seq, TestContext.Current.CancellationToken);

        Assert.Null(StoreOf(first).Find("a"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task View_HasWhatWasWrittenMeanwhile_WhenNatsWasAway()
    {
        await StoreOf(first).TryCreateAsync("a", Tenant("before", TenantStatus.Active), TestContext.Current.CancellationToken);
        await nats.KillAsync(TestContext.Current.CancellationToken);
        await nats.RestartAsync(TestContext.Current.CancellationToken);

        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return await StoreOf(first).ChangeAsync("a", tenant => tenant with { Name = "after" }, TestContext.Current.CancellationToken) is not null;
            }
            catch (Exception exception) when (NatsFaults.IsPassing(exception, TestContext.Current.CancellationToken))
            {
                return false;
            }
        });

        await Eventually.TrueAsync(() => StoreOf(second).Find("a") is { Name: "after" } && ViewOf(first).IsFresh && ViewOf(second).IsFresh);
    }

    private static TenantRecord Tenant(string name, TenantStatus status) =>
        new(TenantId.Parse("a"), name, status, new Dictionary<string, string>(), TimeProvider.System.GetUtcNow());

    private static BucketStore<TenantRecord> StoreOf(KgentsHost host) => host.Services.GetRequiredService<BucketStore<TenantRecord>>();

    private static BucketView<TenantRecord> ViewOf(KgentsHost host) => host.Services.GetRequiredService<BucketView<TenantRecord>>();
}
