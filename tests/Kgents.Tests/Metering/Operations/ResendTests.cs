using System.Text;
using Kgents.Contracts;
using Kgents.Metering;
using Kgents.Metering.Operations;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Operations;

public sealed class ResendTests : MeteringTest
{
    /// <summary>Who read it from the event's hour on for each try would be behind for ever; what is given up meanwhile counts.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task LedgerThatIsWrittenTo_IsReadFromTheEventsHourOnce()
    {
        var hour = UsageHour.Of(TimeProvider.System.GetUtcNow());
        string[] usage = [.. Enumerable.Range(0, 3).Select(number => UsageSample.Event($"{number}", UsageRecorder.Tenant, 1, at: TimeProvider.System.GetUtcNow()))];
        foreach (var each in usage)
        {
            await Recorder.RecordAsync(each);
        }

        SequenceRange[] all = [new SequenceRange(1, 3)];
        var ledger = Recorder.Host.Services.GetRequiredService<MeteringSessions>().OpenLedger(0);
        await EnterAsync(new LedgerOpened(1, 0, "a test"));
        await EnterAsync(new UsageReceived(1, 3, [.. usage.Select((each, at) => new ReceivedEvent((ulong)at + 1, $"{at}", LedgerCodec.Hash(Encoding.UTF8.GetBytes(each)), hour))], []));
        await EnterAsync(new UsageSending(all, 1));
        await EnterAsync(new UsageAccepted(all));
        await EnterAsync(new UsageConfirmed(all));
        await GiveUpAsync(3);
        foreach (var number in Enumerable.Range(0, 600))
        {
            await EnterAsync(new UsageParked([], $"{number}"));
        }

        await EnterAsync(ledger.State.Snapshot());
        await using var proxy = await NatsProxy.StartAsync(Nats.Url, TestContext.Current.CancellationToken);
        await using var host = await KgentsHost.StartAsync(proxy.Url, Parts.MeteringStreams, ("ConnectionStrings:openmeter", OpenMeter.ConnectionString));
        await using var output = new StringWriter();
        var hold = HoldAppend(proxy);
        var resend = MeteringCommands.RunAsync(MeteringArguments.TryParse(["ledger", "resend", "--reason", "restored"])!, host.Services, output, TestContext.Current.CancellationToken);
        var read = new List<int>();
        for (var tries = 0; tries < 4; tries++)
        {
            Assert.Same(hold.Reached, await Task.WhenAny(hold.Reached, resend));
            read.Add(proxy.PublishedSubjects.Count(subject => subject == $"$JS.API.DIRECT.GET.{Streams.Ledger.Name}"));
            await (tries == 3 ? GiveUpAsync(2) : EnterAsync(new UsageParked([], $"try {tries}")));
            var held = hold;
            hold = HoldAppend(proxy);
            held.Release();
        }

        Assert.Same(hold.Reached, await Task.WhenAny(hold.Reached, resend));
        hold.Release();
        Assert.True(await resend == 0, $"{output}");

        // What it adds up to, from the snapshot on, and what was added.
        Assert.Equal([2, 2, 2], read.Zip(read.Skip(1), (one, next) => next - one));
        Assert.Equal([1UL], (await Recorder.Ledger.EntriesAsync<UsageReopened>()).Where(entry => entry.Reason == "restored").Select(entry => entry.Sequence));

        Task EnterAsync(LedgerEntry entry) => ledger.AppendAsync(entry, TestContext.Current.CancellationToken);

        async Task GiveUpAsync(ulong sequence)
        {
            await EnterAsync(new UsageReopened(sequence, null, "a test"));
            await EnterAsync(new UsageRefused(sequence, "a test"));
            await EnterAsync(new UsageDiscarded(sequence, "a test"));
        }
    }

    private static PublishHold HoldAppend(NatsProxy proxy) => proxy.HoldOnce(subject => subject == Subjects.Ledger(0));
}
