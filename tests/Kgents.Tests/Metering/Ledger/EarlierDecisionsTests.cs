using System.Text;
using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Ledger;

public sealed class EarlierDecisionsTests : MeteringTest
{
    /// <summary>A stream of usage that was lost and begun anew gives the sequences to other events, on which nobody has decided.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Decisions_AreOfTheEventThatIsThere(bool isThere)
    {
        var usage = UsageSample.Event("a", UsageRecorder.Tenant, 1);
        var sequence = await Recorder.RecordAsync(usage);
        var hash = LedgerCodec.Hash(Encoding.UTF8.GetBytes(isThere ? usage : "another"));
        var ledger = Recorder.Host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);
        LedgerEntry[] entries =
        [
            new LedgerOpened(1, 0, "a test"),
            new UsageReceived(1, sequence, [new ReceivedEvent(sequence, "a", hash, "2026-01-02T03")], []),
            new UsageReissued(sequence, "b", "a test"),
            new UsageDiscarded(sequence, "a test"),
            new LedgerOpened(1, 0, "an older version, which carried nothing over"),
        ];
        foreach (var entry in entries)
        {
            await ledger.AppendAsync(entry, TestContext.Current.CancellationToken);
        }

        var decided = await ledger.ReadDecisionsAsync(Recorder.Host.Reader, TestContext.Current.CancellationToken);

        Assert.Equal(isThere ? [sequence] : [], decided.Discarded);
        Assert.Equal(isThere ? "b" : null, decided.IdOf(sequence));
    }
}
