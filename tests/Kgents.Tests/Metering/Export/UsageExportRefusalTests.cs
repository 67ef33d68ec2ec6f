using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Export;

/// <summary>Whatever OpenMeter answers, no usage is dropped. The HTTP client tries 5xx and 429 a few times itself before the exporter hears of them.</summary>
public sealed class UsageExportRefusalTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private OpenMeterStandIn openMeter = null!;
    private UsageRecorder recorder = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        recorder = await UsageRecorder.StartAsync(nats);
    }

    public async ValueTask DisposeAsync()
    {
        await recorder.DisposeAsync();
        await openMeter.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AllArriveOnce_WhenOpenMeterRefusesForAWhile()
    {
        openMeter.RequiredToken = "another-token";
        await recorder.RecordAsync(4);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);
        await Eventually.TrueAsync(() => openMeter.Requests.Count >= 3);
        await recorder.RecordAsync(2);

        Assert.Equal((2, 0UL), await recorder.ProgressAsync());
        Assert.Equal("Degraded\nopenmeter: OpenMeter does not take usage: 401 Unauthorized\n", await ReadyAsync(metering));

        openMeter.RequiredToken = "test-token";
        await recorder.SettledAsync();
        Assert.Equal([0, 1, 2, 3, 4, 5], openMeter.AcceptedEvents.Select(usage => int.Parse(usage.GetProperty("data").GetProperty("total_tokens").GetString()!, null)));
        Assert.Equal(0, openMeter.Duplicates);
        Assert.Equal("Healthy\n", await ReadyAsync(metering));
        Assert.DoesNotContain(metering.Logs.Lines, line => line.Contains("test-token", StringComparison.Ordinal));
    }

    /// <summary>A 500 is not an answer about the events: they are held while the client tries again.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Events_AreHeldAndArriveOnce_WhenOpenMeterFails()
    {
        openMeter.FailNext(500);
        await recorder.RecordAsync(2);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);
        await Eventually.TrueAsync(() => openMeter.Requests.Count >= 1);

        Assert.Equal((2, 0UL), await recorder.ProgressAsync());
        await recorder.SettledAsync();
        Assert.Equal(2, openMeter.AcceptedEvents.Count);
        Assert.Equal(0, openMeter.Duplicates);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Exporter_WaitsAsLongAsItIsAsked_WhenThereIsARetryAfter()
    {
        // The client's own tries pass at once, and the answer to its last one is the exporter's.
        openMeter.FailNext(429, times: 3, retryAfter: TimeSpan.Zero);
        openMeter.FailNext(429, retryAfter: TimeSpan.FromSeconds(1));
        await recorder.RecordAsync(1);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 1);
        await recorder.SettledAsync();

        Assert.Single(openMeter.AcceptedEvents);
        Assert.Contains(metering.Logs.Lines, line => line.Contains("429 Too Many Requests. They stay in the stream; trying again in 00:00:01.", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task NothingIsDropped_WhenOpenMeterWillNeverTakeIt()
    {
        await recorder.RecordAsync("1", """{"specversion":"1.0","id":"1","source":"s","type":"t"}""");
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 1);
        await Eventually.TrueAsync(() => openMeter.Requests.Count >= 3);

        Assert.Equal((1, 0UL), await recorder.ProgressAsync());
        Assert.Equal(1, await recorder.StoredAsync());
        Assert.Single(openMeter.Requests.Select(request => Convert.ToHexString(request.Body.Span)).Distinct());
        Assert.Equal("Degraded\nopenmeter: OpenMeter does not take usage: 400 Bad Request\n", await ReadyAsync(metering));
    }

    /// <summary>Throws when the host is not ready: OpenMeter being away is no reason to be.</summary>
    private static Task<string> ReadyAsync(KgentsHost host) => host.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
}
