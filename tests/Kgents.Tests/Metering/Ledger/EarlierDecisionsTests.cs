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
        var hash = Hash(isThere ? usage : "another");
        var decided = await ReadAsync(
            new LedgerOpened(1, 0, "a test"),
            Received(sequence, hash),
            new UsageReissued(sequence, "b", "a test"),
            new UsageDiscarded(sequence, "a test"),
            new LedgerOpened(1, 0, "an older version, which carried nothing over"));

        Assert.Equal(isThere ? [sequence] : [], decided.Discarded);
        Assert.Equal(isThere ? "b" : null, decided.IdOf(sequence));
    }

    /// <summary>The decision is in the log for as long as that is kept, and must not come back on the event that has the sequence now.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Decisions_AreNotOfAnotherEvent_ThatWasEnteredInItsPlaceSince()
    {
        var usage = UsageSample.Event("a", UsageRecorder.Tenant, 1);
        var sequence = await Recorder.RecordAsync(usage);
        LedgerEntry[] before = [Received(sequence, "of another"), new UsageReissued(sequence, "b", "a test"), new UsageDiscarded(sequence, "a test"), new LedgerOpened(1, 0, "the stream was lost"), Received(sequence, Hash(usage))];

        var decided = await ReadAsync([new LedgerOpened(1, 0, "a test"), .. before]);
        Assert.Empty(decided.Sequences);

        decided = await ReadAsync(new UsageReissued(sequence, "c", "a test"), new UsageDiscarded(sequence, "of this one"), new LedgerOpened(1, 0, "once more"), Received(sequence, Hash(usage)));
        Assert.Equal([sequence], decided.Discarded);
        Assert.Equal("c", decided.IdOf(sequence));
    }

    /// <summary>An older version forgets that an event was given up, and sends it: what OpenMeter took is billed, and not given up any more.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("accepted")]
    [InlineData("confirmed")]
    [InlineData("refused")]
    public async Task GivenUp_IsNotWhatOpenMeterTookSince(string answer)
    {
        var usage = UsageSample.Event("a", UsageRecorder.Tenant, 1);
        var sequence = await Recorder.RecordAsync(usage);
        SequenceRange[] events = [new SequenceRange(sequence, sequence)];

        var decided = await ReadAsync(
            new LedgerOpened(1, 0, "a test"),
            Received(sequence, Hash(usage)),
            new UsageDiscarded(sequence, "a test"),
            new LedgerOpened(1, 0, "an older version, which carried nothing over"),
            Received(sequence, Hash(usage)),
            new UsageSending(events, 1, null),
            answer switch
            {
                "accepted" => new UsageAccepted(events),
                "confirmed" => new UsageConfirmed(events, null),
                _ => new UsageRefused(sequence, "a test"),
            });

        Assert.Equal(answer == "refused" ? [sequence] : [], decided.Discarded);
    }

    /// <summary>What is decided while it is read counts as well, also on an event that nobody had decided on before.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Decisions_AreGatheredFromOneLookToTheNext()
    {
        var events = new List<(ulong Sequence, string Hash)>();
        foreach (var id in new[] { "a", "b" })
        {
            var usage = UsageSample.Event(id, UsageRecorder.Tenant, 1);
            events.Add((await Recorder.RecordAsync(usage), Hash(usage)));
        }

        var decisions = new EarlierDecisions(Recorder.Host.Reader);
        var decided = await ReadAsync(decisions, [new LedgerOpened(1, 0, "a test"), .. events.Select(each => Received(each.Sequence, each.Hash)), new UsageDiscarded(events[0].Sequence, "a test")]);
        Assert.Equal([events[0].Sequence], decided.Discarded);

        decided = await ReadAsync(decisions, new UsageReplayed(events[0].Sequence, "a test"), new UsageDiscarded(events[1].Sequence, "a test"));
        Assert.Equal([events[1].Sequence], decided.Discarded);
    }

    private static string Hash(string usage) => LedgerCodec.Hash(Encoding.UTF8.GetBytes(usage));

    private static UsageReceived Received(ulong sequence, string hash) => new(sequence, sequence, [new ReceivedEvent(sequence, "a", hash, "2026-01-02T03")], []);

    private Task<UsageDecisions> ReadAsync(params LedgerEntry[] entries) => ReadAsync(new EarlierDecisions(Recorder.Host.Reader), entries);

    /// <summary>Appends these to what there is.</summary>
    private async Task<UsageDecisions> ReadAsync(EarlierDecisions decisions, params LedgerEntry[] entries)
    {
        var ledger = Recorder.Host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);
        await ledger.LoadAsync(TestContext.Current.CancellationToken);
        foreach (var entry in entries)
        {
            await ledger.AppendAsync(entry, TestContext.Current.CancellationToken);
        }

        return await decisions.ReadAsync(ledger, TestContext.Current.CancellationToken);
    }
}
