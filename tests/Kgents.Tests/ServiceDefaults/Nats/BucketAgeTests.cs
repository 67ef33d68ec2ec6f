using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.KeyValueStore;

namespace Kgents.Tests.ServiceDefaults.Nats;

/// <summary>How long a bucket keeps its values is part of its definition: created so, and compared.</summary>
public sealed class BucketAgeTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private NatsConnection connection = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        connection = new NatsConnection(new NatsOpts { Url = nats.Url });
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task FirstStart_CreatesTheBucketWithItsAge()
    {
        await using var host = await BareHost.StartAsync(nats.Url, [], Buckets.IdempotencyRecords);
        await host.BecomesAsync(HttpStatusCode.OK);

        var stream = await new NatsJSContext(connection).GetStreamAsync("KV_kgents_idempotency", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(TimeSpan.FromHours(24), stream.Info.Config.MaxAge);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Start_IsNotReady_WhenTheAgeDiffers()
    {
        await new NatsKVContext(new NatsJSContext(connection)).CreateStoreAsync(
            new NatsKVConfig(Buckets.Idempotency) { MaxAge = TimeSpan.FromHours(1) }, TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(nats.Url, [], Buckets.IdempotencyRecords);

        await Eventually.TrueAsync(async () => (await host.HealthAsync("ready")).Text.Contains("not as defined", StringComparison.Ordinal));
        Assert.Contains("bucket kgents_idempotency is not as defined: expected history 1, ttl 1.00:00:00", (await host.HealthAsync("ready")).Text, StringComparison.Ordinal);
    }
}
