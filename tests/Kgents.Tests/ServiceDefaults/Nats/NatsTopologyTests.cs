using System.Net;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace Kgents.Tests.ServiceDefaults.Nats;

public sealed class NatsTopologyTests : IAsyncLifetime
{
    private static readonly StreamDefinition[] AllStreams = [Streams.Messages, Streams.Tokens, Streams.Usage, Streams.DeadLetters];
    private static readonly BucketDefinition[] AllBuckets = [Buckets.SessionRecords, Buckets.ApiKeyRecords];

    private NatsServer nats = null!;
    private NatsConnection connection = null!;
    private NatsJSContext jetStream = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        connection = new NatsConnection(new NatsOpts { Url = nats.Url });
        jetStream = new NatsJSContext(connection);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task FirstStart_CreatesEveryStreamAndBucket_AsDefined()
    {
        await using var host = await BareHost.StartAsync(nats.Url, AllStreams, AllBuckets);
        await host.BecomesAsync(HttpStatusCode.OK);

        var streams = (await StreamsAsync()).ToDictionary(info => info.Config.Name!, info => info.Config);
        Assert.Equal(["KGENTS_DEAD_LETTERS", "KGENTS_MESSAGES", "KGENTS_TOKENS", "KGENTS_USAGE", "KV_kgents_api_keys", "KV_kgents_sessions"], streams.Keys.Order(StringComparer.Ordinal));
        Assert.All(streams.Values, stream => Assert.Equal((StreamConfigStorage.File, 1, true), (stream.Storage, stream.NumReplicas, stream.AllowDirect)));

        var usage = streams["KGENTS_USAGE"];
        Assert.Equal((true, true, StreamConfigDiscard.New), (usage.DenyDelete, usage.DenyPurge, usage.Discard));
        Assert.Equal((TimeSpan.FromDays(400), TimeSpan.FromMinutes(30)), (usage.MaxAge, usage.DuplicateWindow));
        Assert.Equal((StreamConfigRetention.Limits, TimeSpan.Zero, StreamConfigDiscard.New), (streams["KGENTS_MESSAGES"].Retention, streams["KGENTS_MESSAGES"].MaxAge, streams["KGENTS_MESSAGES"].Discard));
        Assert.Equal(("kgents.tokens.>", "kgents.live.>"), (streams["KGENTS_TOKENS"].Republish?.Src, streams["KGENTS_TOKENS"].Republish?.Dest));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SecondStart_ChangesNothing()
    {
        await using (var first = await BareHost.StartAsync(nats.Url, AllStreams, AllBuckets))
        {
            await first.BecomesAsync(HttpStatusCode.OK);
        }

        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var second = await BareHost.StartAsync(proxy.Url, AllStreams, AllBuckets);
        await second.BecomesAsync(HttpStatusCode.OK);

        Assert.Equal(6, proxy.PublishedSubjects.Distinct().Count(subject => subject.StartsWith("$JS.API.STREAM.INFO.", StringComparison.Ordinal)));
        Assert.DoesNotContain(proxy.PublishedSubjects, IsChange);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Start_IsNotReadyAndChangesNothing_WhenAStreamDiffers()
    {
        await jetStream.CreateStreamAsync(
            new StreamConfig(Streams.Usage.Name, [Streams.Usage.Subject]) { MaxAge = TimeSpan.FromDays(1), DenyDelete = true, DenyPurge = false, AllowDirect = true, Discard = StreamConfigDiscard.New, DuplicateWindow = Streams.Usage.DuplicateWindow },
            TestContext.Current.CancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(proxy.Url, [Streams.Usage]);
        await Eventually.TrueAsync(async () => (await host.HealthAsync("ready")).Text.Contains("not as defined", StringComparison.Ordinal));

        var (status, text) = await host.HealthAsync("ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("stream KGENTS_USAGE is not as defined: max_age: expected 400.00:00:00, found 1.00:00:00; deny_purge: expected True, found False.", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);
        Assert.False(host.Topology.WhenCreatedAsync(TestContext.Current.CancellationToken).IsCompleted);
        Assert.DoesNotContain(proxy.PublishedSubjects, IsChange);
        Assert.Single(host.Logs, line => line.StartsWith("Error Kgents.", StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("KGENTS_USAGE", "KGENTS_USAGE")]
    [InlineData("KV_kgents_sessions", "kgents_sessions")]
    public async Task Host_BecomesUnready_AndDoesNotCreateAnew_WhenAStreamOrBucketVanishes(string stream, string name)
    {
        await using var proxy = await NatsProxy.StartAsync(nats.Url, TestContext.Current.CancellationToken);
        await using var host = await BareHost.StartAsync(proxy.Url, [Streams.Usage], AllBuckets);
        await host.BecomesAsync(HttpStatusCode.OK);

        await jetStream.DeleteStreamAsync(stream, TestContext.Current.CancellationToken);
        await host.BecomesAsync(HttpStatusCode.ServiceUnavailable);
        var looks = Looks();
        await Eventually.TrueAsync(() => Looks() >= looks + 2);

        Assert.Contains($"nats: {name} is missing", (await host.HealthAsync("ready")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);
        Assert.DoesNotContain(await StreamsAsync(), info => info.Config.Name == stream);

        int Looks() => proxy.PublishedSubjects.Count(subject => subject == $"$JS.API.STREAM.INFO.{stream}");
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.nats.disconnects", "kgents.nats.connected")]
    public async Task Host_IsUnreadyWhileNatsIsAway_AndReadyAgainAfterIt()
    {
        await using var host = await BareHost.StartAsync(nats.Url, [Streams.Usage]);
        await host.BecomesAsync(HttpStatusCode.OK);

        await nats.StopAsync(TestContext.Current.CancellationToken);
        await host.BecomesAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("not connected to NATS (ConnectionStrings:nats)", (await host.HealthAsync("ready")).Text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await host.HealthAsync("live")).Status);

        await nats.RestartAsync(TestContext.Current.CancellationToken);
        await host.BecomesAsync(HttpStatusCode.OK);
        Assert.False(host.Lifetime.ApplicationStopping.IsCancellationRequested);
        MeasuresAttribute.LookNow();
    }

    private static bool IsChange(string subject) =>
        subject.StartsWith("$JS.API.STREAM.CREATE.", StringComparison.Ordinal) || subject.StartsWith("$JS.API.STREAM.UPDATE.", StringComparison.Ordinal)
        || subject.StartsWith("$JS.API.STREAM.DELETE.", StringComparison.Ordinal) || subject.StartsWith("$JS.API.STREAM.PURGE.", StringComparison.Ordinal);

    private async Task<IReadOnlyList<StreamInfo>> StreamsAsync() =>
        await jetStream.ListStreamsAsync(cancellationToken: TestContext.Current.CancellationToken).Select(stream => stream.Info).ToListAsync(TestContext.Current.CancellationToken);
}
