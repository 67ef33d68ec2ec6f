using System.Text;
using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Ledger;
using Kgents.Metering.Operations;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Operations;

public sealed class LedgerRebuildTests : MeteringTest
{
    private const string Hour = "2026-01-02T03";

    /// <summary>Who read the whole ledger for each try would be behind for ever; what is decided meanwhile counts.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task LedgerThatIsWrittenTo_IsBegunAnew_AndReadOnce()
    {
        var usage = UsageSample.Event("a", UsageRecorder.Tenant, 1);
        var sequence = await Recorder.RecordAsync(usage);
        var ledger = await AppendAsync(
            new LedgerOpened(1, 0, "a test"),
            new UsageReceived(1, sequence, [new ReceivedEvent(sequence, "a", LedgerCodec.Hash(Encoding.UTF8.GetBytes(usage)), Hour)], []),
            new UsageReissued(sequence, "b", "a test"));
        foreach (var number in Enumerable.Range(0, 600))
        {
            await ledger.AppendAsync(new UsageParked([], $"{number}"), TestContext.Current.CancellationToken);
        }

        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.MeteringStreams);
        var hold = HoldAppend(proxy);
        var rebuild = RunAsync(host);
        var read = new List<int>();
        for (var tries = 0; tries < 4; tries++)
        {
            Assert.Same(hold.Reached, await Task.WhenAny(hold.Reached, rebuild));
            read.Add(proxy.PublishedSubjects.Count(subject => subject == $"$JS.API.DIRECT.GET.{Streams.Ledger.Name}"));
            await ledger.AppendAsync(new UsageReissued(sequence, $"try {tries}", "a test"), TestContext.Current.CancellationToken);
            var held = hold;
            hold = HoldAppend(proxy);
            held.Release();
        }

        Assert.Same(hold.Reached, await Task.WhenAny(hold.Reached, rebuild));
        hold.Release();
        var (isDone, text) = await rebuild;

        Assert.True(isDone, text);
        Assert.Equal([1, 1, 1], read.Zip(read.Skip(1), (one, next) => next - one));
        Assert.Equal([new ReissuedEvent(sequence, "try 3")], (await Recorder.Ledger.EntriesAsync<LedgerOpened>())[^1].Reissued);
    }

    /// <summary>An opening is one message, and so is each snapshot after it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task MoreDecisionsThanFit_AreARefusal_ThatChangesNothing()
    {
        const int some = UsageDecisions.Most + 1;
        var usage = Enumerable.Range(0, some).Select(number => UsageSample.Event($"{number}", UsageRecorder.Tenant, 1)).ToList();
        var sequences = await Task.WhenAll(usage.Select(each => Recorder.RecordAsync(each)));
        var events = sequences.Zip(usage, (sequence, each) => new ReceivedEvent(sequence, "a", LedgerCodec.Hash(Encoding.UTF8.GetBytes(each)), Hour)).OrderBy(each => each.Sequence).ToList();
        var reissued = events.Select(each => new ReissuedEvent(each.Sequence, "b")).ToList();
        await AppendAsync(new LedgerOpened(1, 0, "a test") { Reissued = reissued }, new UsageReceived(1, some, events, []));

        var refused = await RunAsync(Recorder.Host);
        Assert.Equal((false, $"Nothing was done: {some} decisions of operators hold, and a ledger begins with at most {UsageDecisions.Most}."), refused);
        Assert.Single(await Recorder.Ledger.EntriesAsync<LedgerOpened>());

        await AppendAsync(new LedgerOpened(1, 0, "an older version"), new UsageReceived(1, some, [events[0] with { Hash = "of another" }], []));
        Assert.True((await RunAsync(Recorder.Host)).IsDone);
        Assert.Equal(UsageDecisions.Most, (await Recorder.Ledger.EntriesAsync<LedgerOpened>())[^1].Reissued!.Count);
    }

    /// <summary>So what a snapshot keeps is bounded too.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(UsageDecisions.Most - 1, true)]
    [InlineData(UsageDecisions.Most, false)]
    public async Task EventGetsANewId_UnlessAsManyAreKeptAlready(int kept, bool isDone)
    {
        var sequence = await Recorder.RecordAsync(UsageSample.Event("a", UsageRecorder.Tenant, 1));
        SequenceRange[] events = [new SequenceRange(sequence, sequence)];
        await AppendAsync(
            new LedgerOpened(1, 0, "a test") { Reissued = [.. Enumerable.Range(1, kept).Select(number => new ReissuedEvent(sequence + (ulong)number, "b"))] },
            new UsageReceived(1, sequence, [new ReceivedEvent(sequence, "a", "", Hour)], []),
            new UsageSending(events, 1),
            new UsageMissing(events));

        var (code, text) = await RunAsync(Recorder.Host, "ledger", "reissue", $"{sequence}", "--reason", "a test");

        Assert.Equal(isDone ? 0 : 1, code);
        Assert.Equal(isDone, !text.Contains($"Nothing was done: {kept} decisions of operators are kept already", StringComparison.Ordinal));
    }

    private static PublishHold HoldAppend(NatsProxy proxy) => proxy.HoldOnce(subject => subject == Subjects.Ledger(0));

    private static async Task<(bool IsDone, string Text)> RunAsync(KgentsHost host)
    {
        await using var output = new StringWriter();
        var isDone = await new LedgerRebuild(host.Services.GetRequiredService<MeteringSessions>(), host.Reader, output).RunAsync(0, "a test", TestContext.Current.CancellationToken);
        return (isDone, $"{output}".TrimEnd());
    }

    private async Task<UsageLedger> AppendAsync(params LedgerEntry[] entries)
    {
        var ledger = Recorder.Host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);
        await ledger.LoadAsync(TestContext.Current.CancellationToken);
        foreach (var entry in entries)
        {
            await ledger.AppendAsync(entry, TestContext.Current.CancellationToken);
        }

        return ledger;
    }
}
