using System.Text;
using Kgents.Contracts;
using Kgents.Metering.Operations;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Operations;

/// <summary>What does not mend itself is said to, wherever it is, and nobody makes up for it twice.</summary>
public sealed class LastingDifferenceTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task WhatNobodyRecordsForLong_AndWhatIsOtherwiseRecorded_DoNotMendThemselves()
    {
        await using var metering = await StartAsync(("Metering:Reconcile:RecordedWithin", "00:00:00.100"));
        await Recorder.CommitAsync(UsageSample.Event("forgotten", UsageRecorder.Tenant, 7));
        await Recorder.CommitAsync(UsageSample.Event("taken", UsageRecorder.Tenant, 8));
        await Recorder.RecordAsync(UsageSample.Event("taken", UsageRecorder.Tenant, 9));
        await Recorder.SettledAsync();
        await Eventually.TrueAsync(async () => (await RunAsync(metering, "ledger", "reconcile")).Text.Contains("1 committed long ago and recorded by nobody", StringComparison.Ordinal));

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(1, code);
        Assert.Contains("1 committed, and another one recorded under its id, 10 tokens", text, StringComparison.Ordinal);
        Assert.Contains("They differ on 2 events", text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Differences_OfEveryPartition_AreNamedAndDecide()
    {
        await using var metering = await StartAsync(("Nats:Partitions", "2"));
        await Conversations.StoreAsync(Recorder.Host, Subjects.Usage(UsageRecorder.Tenant, 1), Encoding.UTF8.GetBytes(UsageSample.Event("elsewhere", UsageRecorder.Tenant, 3)));
        await new LedgerView(metering, 1).SettledAsync();
        OpenMeter.Forget("elsewhere");

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(1, code);
        Assert.Contains("1 shown once and lost", text[text.IndexOf("Partition 1, hours", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    /// <summary>What is resent may be decided on between the look and the entry.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhatIsGivenUpMeanwhile_IsNotSentAgain()
    {
        await using var metering = await StartAsync();
        var lost = await Recorder.RecordAsync(UsageSample.Event("lost", UsageRecorder.Tenant, 3));
        await Recorder.SettledAsync();
        OpenMeter.Forget("lost");
        await using var output = new InterruptedWriter("They differ", async () =>
        {
            OpenMeter.IsPoison = usage => usage.GetProperty("id").ValueEquals("lost");
            await RunAsync(metering, "ledger", "resend", "--reason", "somebody else was faster");
            await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Refused.Contains(lost));
            Assert.Equal(0, (await RunAsync(metering, "dead-letters", "discard", $"{lost}", "--reason", "a mistake")).Code);
        });

        Assert.Equal(0, await MeteringCommands.RunAsync(MeteringArguments.TryParse(["ledger", "resend", "--reason", "restored"])!, metering.Services, output, TestContext.Current.CancellationToken));

        Assert.Single(await Recorder.Ledger.EntriesAsync<UsageReopened>());
        Assert.Single(await Recorder.Ledger.EntriesAsync<UsageDiscarded>());
    }

    /// <summary>Something happens once when a line is written.</summary>
    private sealed class InterruptedWriter(string line, Func<Task> act) : StringWriter
    {
        private Func<Task>? next = act;

        public override async Task WriteLineAsync(string? value)
        {
            if (value?.StartsWith(line, StringComparison.Ordinal) is true && next is { } now)
            {
                next = null;
                await now();
            }

            await base.WriteLineAsync(value);
        }
    }
}
