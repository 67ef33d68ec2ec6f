using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering;

/// <summary>The clock is put forward while OpenMeter has events that it does not show yet: a longer time has not passed for that.</summary>
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
        var clock = new JumpingClock();
        await using var metering = await UsageRecorder.StartMeteringAsync(Nats.Url, OpenMeter, clock, ("Metering:Confirm:VisibleWithin", "00:00:10"), ("Metering:Export:BatchWait", "00:00:01"));
        await Recorder.RecordAsync(3);
        await OpenMeter.WaitForEventsAsync(3, TestContext.Current.CancellationToken);
        clock.Ahead = TimeSpan.FromHours(1);
        await Recorder.SettledAsync();

        Assert.Equal((3, 1), (OpenMeter.AcceptedEvents.Count, OpenMeter.Requests.Count));
        Assert.Single(await Recorder.Ledger.EntriesAsync<UsageSending>());
    }

    private sealed class JumpingClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}
