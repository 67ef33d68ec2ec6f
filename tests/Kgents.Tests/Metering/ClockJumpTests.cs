using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>The clock is put forward while OpenMeter has events that it does not show yet: a longer time has not passed for that. It is put back: nothing waits until it is there again.</summary>
public sealed class ClockJumpTests : MeteringTest
{
    [Theory(Timeout = Limits.Test)]
    [InlineData(RequestFault.BrokenAfter)]
    [InlineData(RequestFault.None)]
    public async Task Events_DoNotGoAgain_BecauseTheClockJumps(RequestFault fault)
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromSeconds(1);
        OpenMeter.Break(new OpenMeterFault(fault));
        var clock = new ShiftedTime();
        await using var metering = await UsageRecorder.StartMeteringAsync(Nats.Url, OpenMeter, clock, ("Metering:Confirm:VisibleWithin", "00:00:10"), ("Metering:Export:BatchWait", "00:00:01"));
        await Recorder.RecordAsync(3);
        await OpenMeter.WaitForEventsAsync(3, TestContext.Current.CancellationToken);
        clock.Ahead = TimeSpan.FromHours(1);
        await Recorder.SettledAsync();

        Assert.Equal((3, 1), (OpenMeter.AcceptedEvents.Count, OpenMeter.Requests.Count));
        Assert.Single(await Recorder.Ledger.EntriesAsync<UsageSending>());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task LostEvent_GoesAgain_AndDecisionsAreSeen_WhenTheClockIsPutBack()
    {
        var lose = 1;
        OpenMeter.Fate = _ => lose-- > 0 ? EventFate.Lost : EventFate.Stored;
        var clock = new ShiftedTime();
        await using var metering = await UsageRecorder.StartMeteringAsync(Nats.Url, OpenMeter, clock, ("Metering:Confirm:MissingAfter", "00:00:03"));
        var lost = await Recorder.RecordAsync(1);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Accepted == 1);
        clock.Ahead = TimeSpan.FromHours(-1);
        await Recorder.SettledAsync();
        Assert.Equal([null, UsageSending.Missed], (await Recorder.Ledger.EntriesAsync<UsageSending>()).Select(sending => sending.Again));

        OpenMeter.Forget(UsageSample.IdOf(lost[0]));
        Assert.Equal(0, (await RunAsync(metering, "ledger", "resend", "--reason", "restored")).Code);
        await Recorder.SettledAsync();
        Assert.Single(OpenMeter.AcceptedEvents);
    }
}
