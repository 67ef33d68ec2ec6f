using Kgents.Contracts;
using Kgents.Metering.Reconcile;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Operations;

/// <summary>Each way in which token log, ledger and OpenMeter can differ is seen, and has its name.</summary>
public sealed class ReconcileTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Sides_SayTheSame_WhenAllArrived()
    {
        await using var metering = await StartAsync();
        await RecordCommittedAsync(UsageSample.Event("a", UsageRecorder.Tenant, 3));
        await RecordCommittedAsync(UsageSample.Event("b", UsageRecorder.Tenant, 4));
        await Recorder.SettledAsync();

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(0, code);
        Assert.Contains("They say the same of every event.", text, StringComparison.Ordinal);
        Assert.Equal([$"2 = {Total(3, 4)}", $"2 = {Total(3, 4)}", $"2 = {Total(3, 4)}"], Sums(text));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatOpenMeterLost_IsNamed_AndSentAgainWhenSomebodySaysSo()
    {
        await using var metering = await StartAsync();
        var sent = await Recorder.RecordAsync(3);
        await Recorder.SettledAsync();
        OpenMeter.Forget(UsageSample.IdOf(sent[1]));
        Assert.Equal(2, OpenMeter.AcceptedEvents.Count);

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");
        Assert.Equal(1, code);
        Assert.Contains("1 shown once and lost", text, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(metering, "ledger", "resend", "--reason", "OpenMeter was restored from a backup")).Code);
        await Recorder.SettledAsync();
        Assert.Equal(3, OpenMeter.AcceptedEvents.Count);
        Assert.Equal("OpenMeter was restored from a backup", Assert.Single(await Recorder.Ledger.EntriesAsync<UsageReopened>()).Reason);
        Assert.Equal(0, (await RunAsync(metering, "ledger", "reconcile")).Code);
        Assert.Equal((3, 3), ((await Recorder.Ledger.StateAsync()).Counts.Counted, (await Recorder.Ledger.StateAsync()).Counts.Confirmed));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnswerThatLacksAnEvent_IsNoProof()
    {
        await using var metering = await StartAsync();
        var usage = UsageSample.Event("late", UsageRecorder.Tenant, 3);
        await RecordCommittedAsync(usage);
        await Recorder.SettledAsync();
        OpenMeter.Forget("late");
        await using var command = await KgentsHost.StartAsync(
            Nats.Url, Parts.MeteringStreams, new TimeBetweenLooks(() => OpenMeter.Put(usage)), ("ConnectionStrings:openmeter", OpenMeter.ConnectionString));

        var (code, text) = await RunAsync(command, "ledger", "reconcile");

        Assert.Equal(0, code);
        Assert.Contains("They say the same of every event.", text, StringComparison.Ordinal);
        Assert.Single(OpenMeter.AcceptedEvents);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatIsThereTwice_IsNamed()
    {
        OpenMeter.Deduplicate = false;
        await using var metering = await StartAsync();
        var sent = await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();
        OpenMeter.Put(sent[0]);

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(1, code);
        Assert.Contains("1 shown more than once", text, StringComparison.Ordinal);
        Assert.StartsWith("2 = ", Sums(text)[2], StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnotherQuantity_IsNamed()
    {
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(UsageSample.Event("changed", UsageRecorder.Tenant, 5));
        await Recorder.SettledAsync();
        OpenMeter.Forget("changed");
        OpenMeter.Put(UsageSample.Event("changed", UsageRecorder.Tenant, 6));

        Assert.Contains("1 shown with another quantity", (await RunAsync(metering, "ledger", "reconcile")).Text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatNobodyRecorded_AndWhatWaits_AreUnderWay()
    {
        await Recorder.CommitAsync(UsageSample.Event("committed", UsageRecorder.Tenant, 7));
        OpenMeter.Hang = true;
        await using var metering = await StartAsync();
        await RecordCommittedAsync(UsageSample.Event("recorded", UsageRecorder.Tenant, 8));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Counted == 1);
        OpenMeter.Hang = false;
        OpenMeter.FailNext(503, 1_000);

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(0, code);
        Assert.Contains("1 committed and not recorded yet", text, StringComparison.Ordinal);
        Assert.Matches("1 (sent and not shown|not sent) yet", text);
        Assert.Equal([$"2 = {Total(7, 8)}", $"1 = {Total(8)}", "0 = 0"], Sums(text));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task RefusedMissingAndGivenUp_AreNamed()
    {
        OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
        OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(UsageSample.Event("claimed", UsageRecorder.Tenant, 9));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Missing == 1);
        await Recorder.RecordAsync(UsageSample.Event("bad", UsageRecorder.Tenant, 7, model: "poison"));
        var given = await Recorder.RecordAsync(UsageSample.Event("worse", UsageRecorder.Tenant, 7, model: "poison"));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Refused.Count == 2);
        Assert.Equal(0, (await RunAsync(metering, "dead-letters", "discard", $"{given}", "--reason", "a mistake")).Code);

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");

        Assert.Equal(1, code);
        Assert.All((string[])["1 refused", "1 given up", "1 missing"], name => Assert.Contains(name, text, StringComparison.Ordinal));
    }

    /// <summary>What was committed before the hours that are compared is not read, however much it is.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task TokenLog_IsReadFromTheFirstHourOn()
    {
        await using var metering = await StartAsync();
        for (var number = 0; number < 5; number++)
        {
            await RecordCommittedAsync(UsageSample.Event($"committed {number}", UsageRecorder.Tenant, number));
        }

        var now = TimeProvider.System.GetUtcNow();
        Assert.Equal((5, 5), await ReadAsync(now.AddHours(-2)));
        Assert.Equal((0, 0), await ReadAsync(now.AddHours(3)));

        async Task<(long Read, long Committed)> ReadAsync(DateTimeOffset from)
        {
            var reconciler = metering.Services.GetRequiredService<Kgents.Metering.MeteringSessions>().CreateReconciler(0, metering.Services.GetRequiredService<Kgents.Metering.Confirm.OpenMeterEvents>());
            var found = await reconciler.RunAsync(UsageHour.Of(from), UsageHour.Of(from.AddHours(24)), TestContext.Current.CancellationToken);
            return (found.LogRead, found.Rows.Sum(row => row.Log.Events));
        }
    }

    /// <summary>All are counted, by cause; so many are kept that can be told, and sent again, at once.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Differences_AreToldUpToANumber_AndTheRestIsCounted()
    {
        const int Lost = ReconciledDifferences.MostKept + 3;
        await using var metering = await StartAsync();
        var sent = await Recorder.RecordAsync(Lost);
        await Recorder.SettledAsync();
        foreach (var usage in sent)
        {
            OpenMeter.Forget(UsageSample.IdOf(usage));
        }

        var (code, text) = await RunAsync(metering, "ledger", "reconcile");
        Assert.Equal(1, code);
        Assert.Contains($"{Lost} shown once and lost", text, StringComparison.Ordinal);
        Assert.Contains($"and {Lost - 100} more that do not mend themselves", text, StringComparison.Ordinal);

        Assert.Contains("3 more are left for the next time", (await RunAsync(metering, "ledger", "resend", "--reason", "restored")).Text, StringComparison.Ordinal);
        await Recorder.SettledAsync();
        Assert.Equal(Lost - 3, OpenMeter.AcceptedEvents.Count);
        Assert.Equal(0, (await RunAsync(metering, "ledger", "resend", "--reason", "restored")).Code);
        await Recorder.SettledAsync();
        Assert.Equal(Lost, OpenMeter.AcceptedEvents.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task AnOpenMeterThatDoesNotAnswer_OrIsNotThere_IsSaid()
    {
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();
        OpenMeter.FailReads(503, 1_000);

        Assert.Contains("OpenMeter does not show its events (it answers 503)", (await RunAsync(metering, "ledger", "reconcile")).Text, StringComparison.Ordinal);
        Assert.Contains("set ConnectionStrings:openmeter", (await RunAsync(Recorder.Host, "ledger", "reconcile")).Text, StringComparison.Ordinal);
    }

    /// <summary>Something happens when the reconciler waits for its second look.</summary>
    private sealed class TimeBetweenLooks(Action act) : TimeProvider
    {
        private Action? next = act;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == TimeSpan.FromSeconds(1))
            {
                Interlocked.Exchange(ref next, null)?.Invoke();
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private static decimal Total(params int[] tokens) => tokens.Sum(each => each + (each / 3));

    /// <summary>The three sums of the first row.</summary>
    private static string[] Sums(string text) => [.. System.Text.RegularExpressions.Regex.Matches(text.Split('\n')[2], "[0-9]+ = [0-9]+").Select(match => match.Value)];

    private async Task RecordCommittedAsync(string usage)
    {
        await Recorder.CommitAsync(usage);
        await Recorder.RecordAsync(usage);
    }
}
