using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Ledger;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Ledger;

public sealed class DiscardedEventsTests : MeteringTest
{
    private const string Hour = "2026-01-02T03";

    /// <summary>Also when nothing of a ledger that was begun anew was sent yet, and nothing was given up since.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GivenUp_IsWhatWasBeforeTheLedgerWasBegunAnew_AndWhatIsSince(bool isSince)
    {
        var ledger = Recorder.Host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);
        await ledger.AppendAsync(new LedgerOpened(1, 0, "a test") { Discarded = [new SequenceRange(2, 2)] }, TestContext.Current.CancellationToken);
        await ledger.AppendAsync(new UsageReceived(1, 3, [New(1, null), New(2, null), New(3, ReceivedEvent.Quarantined)], []), TestContext.Current.CancellationToken);
        if (isSince)
        {
            await ledger.AppendAsync(new UsageDiscarded(3, "a test"), TestContext.Current.CancellationToken);
        }

        var discarded = await new DiscardedEvents([1, 2, 3], [Hour]).FindAsync(ledger, TestContext.Current.CancellationToken);

        Assert.Equal(isSince ? [2, 3] : [2UL], discarded.Order());
    }

    private static ReceivedEvent New(ulong sequence, string? state) => new(sequence, $"{sequence}", "", Hour, state);
}
