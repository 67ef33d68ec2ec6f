using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Export;

public sealed class UsageExportShutdownTests
{
    /// <summary>Held by nobody until the ack wait of two minutes is over, if the host that stops does not give them back.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task HeldEvents_AreThereForTheNextHostAtOnce_WhenAHostStops()
    {
        await using var nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        await using var openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        await using var recorder = await UsageRecorder.StartAsync(nats);
        openMeter.RequiredToken = "another-token";
        await recorder.RecordAsync(2);
        await using (await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2))
        {
            await Eventually.TrueAsync(() => openMeter.Requests.Count >= 1);
        }

        openMeter.RequiredToken = null;
        await using var restarted = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);

        // Half of the ack wait: by then they came because they were given back, or they did not.
        await openMeter.WaitForEventsAsync(2, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await recorder.SettledAsync();
        Assert.Equal(2, openMeter.AcceptedEvents.Count);
    }
}
