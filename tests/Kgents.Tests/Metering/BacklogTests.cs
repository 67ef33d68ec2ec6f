using System.Text;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Metering;

/// <summary>OpenMeter is away while usage goes on: what is kept in memory does not grow with it, and it catches up.</summary>
public sealed class BacklogTests(ITestOutputHelper output) : MeteringTest
{
    private const int Backlog = 5_000;
    private const int AtOnce = 200;

    [Fact(Timeout = 4 * Limits.Test)]
    public async Task Everything_ArrivesOnce_AfterALongOutage_AndNothingIsHeldMeanwhile()
    {
        OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
        await using var metering = await StartAsync(("Metering:Ledger:IndexedEvents", "1000"), ("Metering:Export:BatchSize", "200"), ("Metering:Export:MaxUnsettled", "1000"));
        var session = SessionId.New(0, TimeProvider.System);
        foreach (var part in Enumerable.Range(0, Backlog).Chunk(AtOnce))
        {
            var acks = part.Select(async index => await Recorder.Host.JetStream.PublishAsync(
                Subjects.Usage(UsageRecorder.Tenant, session),
                Encoding.UTF8.GetBytes(UsageSample.Event($"event-{index}", UsageRecorder.Tenant, index, at: UsageSample.Time.AddHours(-index / 500.0))),
                NatsRawSerializer<byte[]>.Default,
                cancellationToken: TestContext.Current.CancellationToken));
            Assert.All(await Task.WhenAll(acks), ack => ack.EnsureSuccess());
        }

        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).ReceivedThrough == Backlog);
        var state = await Recorder.Ledger.StateAsync();
        output.WriteLine($"{Backlog} events behind: {state.Waiting} wait in the stream, {state.Unsettled.Count} in memory, {state.Number} entries.");
        Assert.InRange(state.Unsettled.Count, 0, 1000);

        OpenMeter.Rule = null;
        await Recorder.SettledAsync();
        Assert.Equal((Backlog, 0), (OpenMeter.AcceptedEvents.Count, OpenMeter.Duplicates));
        Assert.Equal((long)Backlog * (Backlog - 1) / 2, OpenMeter.Sum("input_tokens_uncached", "acme"));
    }
}
