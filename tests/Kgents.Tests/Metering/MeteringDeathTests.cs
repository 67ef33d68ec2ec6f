using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>
/// What if metering dies here? At every entry into the ledger one replica is cut off from NATS for ever, before the entry is stored or after it,
/// before the replica knows. Another takes over, and OpenMeter, which does not deduplicate, has every event once.
/// </summary>
public abstract class MeteringDeathTests(CutPoint point)
{
    [Theory(Timeout = Limits.Test)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task EachEvent_ArrivesOnce_WhenAReplicaDiesAtAnEntry(int entry)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var nats = await NatsServer.StartAsync(null, cancellationToken);
        await using var proxy = await NatsProxy.StartAsync(nats.Url, cancellationToken);
        await using var openMeter = await OpenMeterStandIn.StartAsync(cancellationToken);
        await using var recorder = await UsageRecorder.StartAsync(nats);
        openMeter.Deduplicate = false;
        openMeter.VisibleAfter = TimeSpan.FromMilliseconds(100);

        // Opened, received, sending, accepted, confirmed: the second range begins with the sixth entry, or is part of the first.
        await using var doomed = await UsageRecorder.StartMeteringAsync(proxy.Url, openMeter, ("Metering:Ledger:Lease", "00:00:02"), ("Metering:Export:BatchSize", "3"));
        proxy.CutAt(entry, point, subject => subject.StartsWith("kgents.ledger.", StringComparison.Ordinal));
        await recorder.RecordAsync(3);
        await Task.WhenAny(proxy.CutHappened, recorder.SettledAsync()).WaitAsync(cancellationToken);
        await recorder.RecordAsync(3);
        await proxy.CutHappened.WaitAsync(cancellationToken);
        doomed.Forsake();
        await using var heir = await UsageRecorder.StartMeteringAsync(nats, openMeter, ("Metering:Ledger:Lease", "00:00:02"), ("Metering:Export:BatchSize", "3"));
        await recorder.SettledAsync();

        Assert.Equal(6, openMeter.AcceptedEvents.Count);
        Assert.Equal(6, openMeter.AcceptedEvents.Select(usage => usage.GetProperty("id").GetString()).Distinct().Count());
        Assert.Equal(15, openMeter.Sum("input_tokens_uncached", "acme", UsageEvent.BillableType));
        var state = await recorder.Ledger.StateAsync();
        Assert.Equal((6, 0, 0, 6), (state.Counts.Counted, state.Counts.Duplicates, state.Counts.Doubled, state.Counts.Confirmed));
    }
}

public sealed class MeteringDeathBeforeTheServerHasIt() : MeteringDeathTests(CutPoint.BeforeForward);

public sealed class MeteringDeathBeforeTheReplicaKnows() : MeteringDeathTests(CutPoint.BeforeReply);
