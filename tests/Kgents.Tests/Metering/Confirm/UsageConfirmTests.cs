using Kgents.Contracts;
using Kgents.Metering.Confirm;
using Kgents.Metering.Ledger;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Confirm;

/// <summary>An OpenMeter that says yes and loses, doubles or hides what it took.</summary>
public sealed class UsageConfirmTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task LostEvent_GoesAgainOnce_UnderTheSameId()
    {
        var lose = 2;
        OpenMeter.Fate = _ => lose-- > 0 ? EventFate.Lost : EventFate.Stored;
        await using var metering = await StartAsync(("Metering:Export:BatchWait", "00:00:01"));
        var events = await Recorder.RecordAsync(5);
        await Recorder.SettledAsync();

        Assert.Equal(events.Select(UsageSample.IdOf).Order(), OpenMeter.AcceptedEvents.Select(usage => usage.GetProperty("id").GetString()!).Order());
        Assert.Equal([null, UsageSending.Missed], (await Recorder.Ledger.EntriesAsync<UsageSending>()).Select(sending => sending.Again));
        Assert.Equal(2, OpenMeter.Lost);
    }

    /// <summary>Deduplication in front of the queue took the id for known and lost the event: every retry is dropped. Only an operator can help.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EventThatIsLostTwice_IsMissing_AndNotSentAThirdTime()
    {
        OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(1);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Missing == 1);
        await Eventually.TrueAsync(async () => (await ReadyAsync(metering)).Contains("OpenMeter took 1 usage events twice and does not show them", StringComparison.Ordinal));
        await Recorder.RecordAsync(2);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Confirmed == 2);

        Assert.Contains(metering.Logs.Lines, line => line.StartsWith("Critical ", StringComparison.Ordinal) && line.Contains("does not show them; the first is 1", StringComparison.Ordinal));
        Assert.Equal([null, UsageSending.Unsure, UsageSending.Missed], (await Recorder.Ledger.EntriesAsync<UsageSending>()).Where(sending => sending.Events[0].From == 1).Select(sending => sending.Again));
    }

    /// <summary>However many are sent meanwhile: one that was looked for before them waits no longer than they do.</summary>
    [Fact]
    public void Event_ThatWasLookedFor_IsLookedForAgain_BesideOnesThatNeverWere()
    {
        var looked = new UnsettledEvent(1, default) { LookedAt = 1_000 };
        var sent = Enumerable.Range(2, 2 * OpenMeterEvents.Most).Select(sequence => new UnsettledEvent((ulong)sequence, default)).ToList();
        sent.ForEach(each => each.LetGo(1_000 + (long)each.Sequence));

        var first = UsageConfirmer.First([.. sent, looked]);

        Assert.Equal([looked, .. sent.Take(OpenMeterEvents.Most - 1)], first);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task DoubledEvent_IsNamed()
    {
        OpenMeter.Fate = usage => usage.GetProperty("data").GetProperty("input_tokens_uncached").ValueEquals("2") ? EventFate.Doubled : EventFate.Stored;
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(4);
        await Recorder.SettledAsync();

        Assert.Equal([new SequenceRange(3, 3)], (await Recorder.Ledger.EntriesAsync<UsageConfirmed>()).SelectMany(confirmed => confirmed.Doubled ?? []));
        Assert.Equal(1, (await Recorder.Ledger.StateAsync()).Counts.Doubled);
        Assert.Contains(metering.Logs.Lines, line => line.StartsWith("Critical ", StringComparison.Ordinal) && line.Contains("more than once", StringComparison.Ordinal));
    }

    /// <summary>Nothing is taken for settled on its word, and no more is sent than may be lost.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Export_Stops_WhenOpenMeterDoesNotShowWhatItTook()
    {
        OpenMeter.Rule = null;
        OpenMeter.FailReads(500, times: 1_000_000);
        await using var metering = await StartAsync(("Metering:Export:MaxUnsettled", "4"), ("Metering:Export:BatchSize", "2"));
        await Recorder.RecordAsync(10);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()) is { Counts.Accepted: 4, Waiting: 6 });
        await Eventually.TrueAsync(async () => (await ReadyAsync(metering)).Contains("nothing is confirmed", StringComparison.Ordinal));
        Assert.Equal(2, OpenMeter.Requests.Count);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Probe_TellsWhetherOpenMeterDeduplicates(bool deduplicates)
    {
        OpenMeter.Deduplicate = deduplicates;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(50);
        await using var metering = await StartAsync(("Metering:Confirm:Probe", "true"));
        var expected = deduplicates ? "OpenMeter deduplicates: an event that was sent twice is shown once." : "OpenMeter does not deduplicate";
        await Eventually.TrueAsync(() => metering.Logs.Lines.Any(line => line.Contains(expected, StringComparison.Ordinal)));

        Assert.All(OpenMeter.AcceptedEvents, usage => Assert.Equal("kgents.metering.probe.v1", usage.GetProperty("type").GetString()));
        Assert.Equal(deduplicates ? 1 : 2, OpenMeter.AcceptedEvents.Count);
    }

    /// <summary>Of a second event that was perhaps not taken nothing follows, so it begins anew, with an id of its own.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Probe_BeginsAnew_WhenASendHasNoClearAnswer(int goodBefore)
    {
        OpenMeter.Deduplicate = false;
        var requests = 0;
        OpenMeter.Rule = () => requests++ == goodBefore ? new OpenMeterFault(RequestFault.Refused, 503) : null;
        await using var metering = await StartAsync(("Metering:Confirm:Probe", "true"));
        await Eventually.TrueAsync(() => metering.Logs.Lines.Any(line => line.Contains("deduplicate", StringComparison.Ordinal)));

        Assert.Contains(metering.Logs.Lines, line => line.Contains("OpenMeter does not deduplicate", StringComparison.Ordinal));
        Assert.Equal(2 + goodBefore, OpenMeter.AcceptedEvents.Count);
        Assert.Equal(1 + goodBefore, OpenMeter.AcceptedEvents.Select(usage => usage.GetProperty("id").GetString()).Distinct().Count());
    }
}
