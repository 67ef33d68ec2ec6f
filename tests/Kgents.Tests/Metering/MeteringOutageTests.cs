using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>OpenMeter and NATS are away together, while a request is under way whose outcome can then neither be learned nor written down.</summary>
public sealed class MeteringOutageTests : MeteringTest
{
    [Theory(Timeout = Limits.Test)]
    [InlineData(RequestFault.BrokenAfter, true)]
    [InlineData(RequestFault.None, false)]
    public async Task EachEvent_ArrivesOnce_WhenBothAreAway(RequestFault fault, bool natsIsBackFirst)
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(50);
        OpenMeter.Hang = true;
        await using var metering = await StartAsync(("Metering:Ledger:Lease", "00:00:02"), ("Metering:Export:BatchSize", "2"));
        await Recorder.RecordAsync(6);
        await Eventually.TrueAsync(() => OpenMeter.Requests.Count == 1);

        await Nats.KillAsync(TestContext.Current.CancellationToken);
        OpenMeter.Break(new OpenMeterFault(fault));
        OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
        OpenMeter.Hang = false;
        await Eventually.TrueAsync(() => metering.Logs.Lines.Any(line => line.Contains("is not metered for now", StringComparison.Ordinal) || line.Contains("is lost: another replica may meter it", StringComparison.Ordinal)));
        if (natsIsBackFirst)
        {
            await Nats.RestartAsync(TestContext.Current.CancellationToken);
            await Eventually.TrueAsync(() => OpenMeter.Requests.Count >= 3);
        }

        OpenMeter.Rule = null;
        if (!natsIsBackFirst)
        {
            await Nats.RestartAsync(TestContext.Current.CancellationToken);
        }

        await Recorder.SettledAsync();
        Assert.Equal((6, 0), (OpenMeter.AcceptedEvents.Count, OpenMeter.Duplicates));
        Assert.Equal((6, 6), ((await Recorder.Ledger.StateAsync()).Counts.Counted, (await Recorder.Ledger.StateAsync()).Counts.Confirmed));
    }
}
