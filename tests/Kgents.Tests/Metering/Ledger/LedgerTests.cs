using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Ledger;
using Kgents.ServiceDefaults.Ledger;
using Kgents.ServiceDefaults.Nats;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Metering.Ledger;

public sealed class LedgerTests : MeteringTest
{
    private static readonly TenantId Other = TenantId.Parse("other");

    [Fact(Timeout = Limits.Test)]
    public async Task Totals_AreExact_ByTenantHourModelAndType()
    {
        await using var metering = await StartAsync(("Metering:Ledger:RangeSize", "3"));
        var random = new Random(7);
        var expected = new Dictionary<(string, string, string, string), (long Events, long Input, long Output)>();
        for (var i = 0; i < 60; i++)
        {
            var (tenant, model) = (random.Next(2) == 0 ? UsageRecorder.Tenant : Other, $"model-{random.Next(3)}");
            var (type, at) = (random.Next(4) == 0 ? UsageEvent.NonBillableType : UsageEvent.BillableType, UsageSample.Time.AddHours(-random.Next(4)));
            var (input, output) = (random.Next(100_000), random.Next(5_000));
            await Recorder.RecordAsync(UsageSample.Event(Guid.NewGuid().ToString(), tenant, input, output, model, at, type), tenant);
            var key = (tenant.ToString(), UsageHour.Of(at), model, type);
            var known = expected.GetValueOrDefault(key);
            expected[key] = (known.Events + 1, known.Input + input, known.Output + output);
        }

        await Recorder.SettledAsync();
        var totals = await Recorder.Ledger.TotalsAsync();
        Assert.Equivalent(expected, totals.ToDictionary(total => total.Key, total => (total.Value.Events, (long)total.Value.InputTokensUncached, (long)total.Value.OutputTokensVisible)), strict: true);
        Assert.All(await Recorder.Ledger.EntriesAsync<UsageReceived>(), received => Assert.InRange(received.Events.Count, 1, 3));
        await AssertAuditAsync(60);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SameEvent_CountsOnce_AndAnotherUnderItsIdIsQuarantined()
    {
        await using var metering = await StartAsync();
        var usage = UsageSample.Event("one", UsageRecorder.Tenant, 10);
        await Recorder.RecordAsync(usage);
        await Recorder.RecordAsync(usage);
        await Recorder.RecordAsync(UsageSample.Event("one", UsageRecorder.Tenant, 11, at: UsageSample.Time.AddHours(-2)));
        await Recorder.SettledAsync();

        var state = await Recorder.Ledger.StateAsync();
        Assert.Equal((1, 1, 1), (state.Counts.Counted, state.Counts.Duplicates, state.Counts.Quarantined));
        Assert.Equal(10, Assert.Single(await Recorder.Ledger.TotalsAsync()).Value.InputTokensUncached);
        Assert.Equal("an earlier event has its id and is another one", Assert.Single(await Recorder.LettersAsync()).Reason);
        Assert.Single(OpenMeter.AcceptedEvents);
        Assert.Equal(0, OpenMeter.Duplicates);
        await AssertAuditAsync(3);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("\"subject\":\"acme\"", "\"subject\":\"other\"", "its subject is not acme")]
    [InlineData("\"total_tokens\":\"13\"", "\"total_tokens\":\"14\"", "not the sum")]
    [InlineData("\"input_tokens_uncached\":\"10\"", "\"input_tokens_uncached\":\"-10\"", "negative")]
    [InlineData("\"input_tokens_uncached\":\"10\"", "\"input_tokens_uncached\":10", "not a decimal string")]
    [InlineData("\"input_tokens_uncached\":\"10\"", "\"input_tokens_uncached\":\"NaN\"", "not a decimal string")]
    [InlineData("\"input_tokens_uncached\":\"10\"", "\"input_tokens_uncached\":\" 10\"", "not a decimal string")]
    [InlineData("\"requests\":\"1\",", "", "data.requests")]
    [InlineData("urn:kgents:streaming", "urn:someone", "its source")]
    [InlineData("Z\",\"data\"", "\",\"data\"", "its time")]
    [InlineData("\"id\":", "\"no\":", "id is missing")]
    [InlineData("{", "", "not JSON")]
    public async Task WhatCannotBeBilled_IsQuarantinedWithItsReason_AndTheNextGoes(string good, string bad, string reason)
    {
        await using var metering = await StartAsync();
        var json = UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 10);
        Assert.Contains(good, json, StringComparison.Ordinal);
        await Recorder.RecordAsync(json.Replace(good, bad, StringComparison.Ordinal));
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();

        Assert.Contains(reason, Assert.Single(await Recorder.LettersAsync()).Reason, StringComparison.Ordinal);
        Assert.Single(OpenMeter.AcceptedEvents);
        Assert.Equal((1, 1), ((await Recorder.Ledger.StateAsync()).Counts.Counted, (await Recorder.Ledger.StateAsync()).Counts.Quarantined));
    }

    /// <summary>One event in memory: every other hour is read from the ledger when it is needed, and its totals go on from where they were.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EarlierHours_AreReadFromTheLedger_WhenTheyAreNotInMemory()
    {
        await using var metering = await StartAsync(("Metering:Ledger:IndexedEvents", "1"), ("Metering:Ledger:RangeSize", "2"));
        var events = Enumerable.Range(0, 12).Select(i => UsageSample.Event($"event-{i}", UsageRecorder.Tenant, i, at: UsageSample.Time.AddHours(-(i % 4)))).ToList();
        foreach (var usage in events.Concat(events))
        {
            await Recorder.RecordAsync(usage);
        }

        await Recorder.SettledAsync();
        Assert.Equal((12, 12), ((await Recorder.Ledger.StateAsync()).Counts.Counted, (await Recorder.Ledger.StateAsync()).Counts.Duplicates));
        Assert.Equal([0 + 4 + 8, 1 + 5 + 9, 2 + 6 + 10, 3 + 7 + 11], (await Recorder.Ledger.TotalsAsync()).OrderByDescending(total => total.Key.Hour).Select(total => (int)total.Value.InputTokensUncached));
        await AssertAuditAsync(24);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Snapshot_SaysWhatTheEntriesBeforeItSay()
    {
        await using (await StartAsync(("Metering:Ledger:SnapshotInterval", "10"), ("Metering:Ledger:RangeSize", "2"), ("Metering:Export:BatchSize", "2")))
        {
            OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
            await Recorder.RecordAsync(UsageSample.Event("bad", UsageRecorder.Tenant, 1, model: "poison"));
            await Recorder.RecordAsync("{}");
            await Recorder.RecordAsync(20);
            await Recorder.SettledAsync();
            OpenMeter.VisibleAfter = TimeSpan.FromDays(1);
            await Recorder.RecordAsync(4);
            await Eventually.TrueAsync(async () => (await Recorder.Ledger.EntriesAsync<LedgerSnapshot>()).Count > 2 && (await Recorder.Ledger.StateAsync()).Waiting == 0);
        }

        var replayed = new LedgerState();
        foreach (var entry in (await Recorder.Ledger.EntriesAsync()).Select((entry, index) => (Entry: entry, Sequence: (ulong)index + 1)).Where(each => each.Entry is not LedgerSnapshot))
        {
            replayed.Apply(entry.Entry, entry.Sequence, "");
        }

        var fromSnapshot = await Recorder.Ledger.StateAsync();
        Assert.NotEmpty(fromSnapshot.Refused);
        Assert.Equal(Text(replayed.Snapshot()), Text(fromSnapshot.Snapshot()));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SecondWriter_LosesTheFence_AndReadsAgain()
    {
        await using var metering = await StartAsync();
        var (one, two) = (OpenLedger(metering), OpenLedger(metering));
        await one.LoadAsync(TestContext.Current.CancellationToken);
        await two.LoadAsync(TestContext.Current.CancellationToken);
        await one.AppendAsync(new UsageParked([], "one"), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<LedgerFenceLostException>(() => two.AppendAsync(new UsageParked([], "two"), TestContext.Current.CancellationToken));

        // The replica whose ledger this is has lost it too, and goes on.
        await Recorder.RecordAsync(2);
        await Recorder.SettledAsync();
        Assert.Contains(metering.Logs.Lines, line => line.Contains("Somebody else wrote to the ledger", StringComparison.Ordinal));
        Assert.Equal(2, OpenMeter.AcceptedEvents.Count);
    }

    /// <summary>Its number is right: only the hash in it tells that it was not written after the entry that is there.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task ChangedEntry_IsSeen_ByTheHashInTheOneAfterIt()
    {
        await using (await StartAsync())
        {
            await Recorder.RecordAsync(1);
            await Recorder.SettledAsync();
        }

        var last = (await Recorder.Host.Reader.LastAsync(Streams.Ledger.Name, Subjects.Ledger(0), TestContext.Current.CancellationToken))!;
        var next = new UsageParked([], "a test") { Number = LedgerCodec.Decode(last).Number + 1, Base = 1 };
        await PublishAsync(next with { Previous = LedgerCodec.Hash(last.Data.Span) });
        Assert.Equal(next.Number, (await Recorder.Ledger.StateAsync()).Number);

        await PublishAsync(next with { Number = next.Number + 1, Previous = LedgerCodec.Hash(last.Data.Span) });
        Assert.Contains($"entry {next.Number + 1} does not follow entry {next.Number}", (await Assert.ThrowsAsync<LedgerBrokenException>(Recorder.Ledger.StateAsync)).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task ForeignEntry_IsSeen_AndNothingGoesOn_UntilTheLedgerIsBegunAnew()
    {
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(2);
        await Recorder.SettledAsync();
        await PublishAsync(new UsageConfirmed([new SequenceRange(1, 1)]) { Number = 99, Previous = new string('0', 64), Base = 1 });
        await Recorder.RecordAsync(1);

        await Eventually.TrueAsync(async () => (await ReadyAsync(metering)).Contains("The ledger is broken: entry 99 does not follow entry", StringComparison.Ordinal));
        Assert.Equal(2, OpenMeter.AcceptedEvents.Count);

        var sessions = metering.Services.GetRequiredService<MeteringSessions>();
        var ledger = sessions.OpenLedger(0);
        await ledger.LoadLastAsync(TestContext.Current.CancellationToken);
        await sessions.CreateReceiver(ledger).OpenAsync("a test", new UsageDecisions(), TestContext.Current.CancellationToken);
        await Recorder.SettledAsync();
        await Eventually.TrueAsync(async () => await ReadyAsync(metering) == "Healthy\n");
        Assert.Equal((3, 0), (OpenMeter.AcceptedEvents.Count, OpenMeter.Duplicates));
    }

    /// <summary>It begins anew and comes to the same; and OpenMeter, which does not deduplicate, gets nothing twice, because it is asked.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Rebuild_ComesToTheSame_AndSendsNothingTwice()
    {
        OpenMeter.Deduplicate = false;
        await using var metering = await StartAsync(("Metering:Ledger:RangeSize", "7"));
        var events = await Recorder.RecordAsync(30);
        await Recorder.RecordAsync(events[3]);
        await Recorder.RecordAsync(UsageSample.Event(UsageSample.IdOf(events[4]), UsageRecorder.Tenant, 999));
        await Recorder.RecordAsync("not an event");
        await Recorder.SettledAsync();
        var (totals, counts) = (await Recorder.Ledger.TotalsAsync(), (await Recorder.Ledger.StateAsync()).Counts);

        var sessions = metering.Services.GetRequiredService<MeteringSessions>();
        var ledger = sessions.OpenLedger(0);
        await ledger.LoadAsync(TestContext.Current.CancellationToken);
        await sessions.CreateReceiver(ledger).OpenAsync("a test", new UsageDecisions(), TestContext.Current.CancellationToken);
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();

        Assert.Equal(2, (await Recorder.Ledger.EntriesAsync<LedgerOpened>()).Count);
        var again = (await Recorder.Ledger.StateAsync()).Counts;
        Assert.Equal((counts.Counted + 1, counts.Duplicates, counts.Quarantined, counts.Confirmed + 1), (again.Counted, again.Duplicates, again.Quarantined, again.Confirmed));
        Assert.Equal(totals.Values.Single().InputTokensUncached + 33, (await Recorder.Ledger.TotalsAsync()).Values.Single().InputTokensUncached);
        Assert.Equal((31, 0), (OpenMeter.AcceptedEvents.Count, OpenMeter.Duplicates));
        await AssertAuditAsync(34);
    }

    private static string Text(LedgerSnapshot snapshot) => Encoding.UTF8.GetString(LedgerCodec.Encode(snapshot with { ReadFrom = 0, Hours = [] })) + JsonSerializer.Serialize(snapshot.Hours.Select(hour => hour.Hour));

    private static UsageLedger OpenLedger(KgentsHost host) => host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);

    /// <summary>Not by the ledger's own writer: without its fence and whatever it says.</summary>
    private async Task PublishAsync(LedgerEntry entry) => (await Recorder.Host.JetStream.PublishAsync(
        Subjects.Ledger(0), LedgerCodec.Encode(entry), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken)).EnsureSuccess();

    private async Task AssertAuditAsync(long events)
    {
        var audit = new LedgerAudit(new UsageLedger(0, Recorder.Host.Reader, Recorder.Host.Services.GetRequiredService<FencedPublisher>(), TimeProvider.System), Recorder.Host.Reader);
        await audit.RunAsync(TestContext.Current.CancellationToken);
        Assert.Empty(audit.Differences);
        Assert.Equal(events, audit.Events);
    }
}
