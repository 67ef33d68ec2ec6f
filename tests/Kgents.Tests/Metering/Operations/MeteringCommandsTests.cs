using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Operations;

/// <summary>What an operator does by hand while a replica is at work.</summary>
public sealed class MeteringCommandsTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task RefusedEvent_IsListedInspectedReplayedAndSettled()
    {
        OpenMeter.IsPoison = IsPoison;
        await using var metering = await StartAsync();
        var sequence = await Recorder.RecordAsync(UsageSample.Event("bad", UsageRecorder.Tenant, 7, model: "poison"));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Refused.Count == 1);

        Assert.Contains($"{sequence}  ", (await RunAsync("dead-letters", "list")).Text, StringComparison.Ordinal);
        Assert.Contains("\"input_tokens_uncached\":\"7\"", (await RunAsync("dead-letters", "inspect", $"{sequence}")).Text, StringComparison.Ordinal);

        OpenMeter.IsPoison = null;
        Assert.Equal(0, (await RunAsync("dead-letters", "replay", $"{sequence}", "--reason", "OpenMeter was mended")).Code);
        await Recorder.SettledAsync();
        Assert.Equal(7, OpenMeter.Sum("input_tokens_uncached", "acme"));
        Assert.Equal("OpenMeter was mended", Assert.Single(await Recorder.Ledger.EntriesAsync<UsageReplayed>()).Reason);
        Assert.Equal("", (await RunAsync("dead-letters", "list")).Text);
        Assert.Equal((1, $"Nothing was done: {sequence} is not refused.\n"), await RunAsync("dead-letters", "replay", $"{sequence}", "--reason", "once more"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task QuarantinedEvent_IsNotReplayed_AndIsDiscardedWithItsReason()
    {
        await using var metering = await StartAsync();
        var sequence = await Recorder.RecordAsync("{}");
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Quarantined.Count == 1);

        Assert.Equal(1, (await RunAsync("dead-letters", "replay", $"{sequence}", "--reason", "why not")).Code);
        Assert.Equal(0, (await RunAsync("dead-letters", "discard", $"{sequence}", "--reason", "a mistake")).Code);
        var state = await Recorder.Ledger.StateAsync();
        Assert.Equal((0, 1), (state.Quarantined.Count, state.Counts.Discarded));
        Assert.Equal((sequence, "a mistake"), (await Recorder.Ledger.EntriesAsync<UsageDiscarded>()).Select(entry => (entry.Sequence, entry.Reason)).Single());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task MissingEvent_IsSentUnderANewId_WhenAnOperatorSaysSo()
    {
        OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        await using var metering = await StartAsync();
        var sequence = await Recorder.RecordAsync(UsageSample.Event("claimed", UsageRecorder.Tenant, 9));
        Assert.Equal(1, (await RunAsync("ledger", "reissue", $"{sequence}", "--reason", "too early")).Code);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Missing == 1);

        Assert.Contains($"{sequence} is missing since", (await RunAsync("ledger", "show")).Text, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("ledger", "reissue", $"{sequence}", "--reason", "its id is burnt")).Code);
        await Recorder.SettledAsync();
        var shown = Assert.Single(OpenMeter.AcceptedEvents);
        Assert.Equal(Assert.Single(await Recorder.Ledger.EntriesAsync<UsageReissued>()).Id, shown.GetProperty("id").GetString());
        Assert.Equal(9, OpenMeter.Sum("input_tokens_uncached", "acme"));
        Assert.Equal(1, (await Recorder.Ledger.StateAsync()).Counts.Counted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Ledger_IsVerifiedAndBegunAnew()
    {
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(5);
        await Recorder.SettledAsync();
        Assert.Contains("5 events of KGENTS_USAGE were read; they say the same.", (await RunAsync("ledger", "verify")).Text, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("ledger", "rebuild", "--reason", "to see it")).Code);
        await Recorder.SettledAsync();
        Assert.Equal(0, (await RunAsync("ledger", "verify")).Code);
        Assert.Equal(0, OpenMeter.Duplicates);
        Assert.Equal(5, OpenMeter.AcceptedEvents.Count);
    }

    /// <summary>OpenMeter would take now what it refused, and the id that it took for known: each would be billed against, or beside, what was decided.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task WhatWasDecided_HoldsWhenTheLedgerIsBegunAnew()
    {
        OpenMeter.IsPoison = IsPoison;
        OpenMeter.Deduplicate = false;
        await using var metering = await StartAsync(("Metering:Ledger:SnapshotInterval", "10"));
        var refused = await Recorder.RecordAsync(UsageSample.Event("bad", UsageRecorder.Tenant, 7, model: "poison"));
        var quarantined = await Recorder.RecordAsync("{}");
        await Eventually.TrueAsync(async () => await Recorder.Ledger.StateAsync() is { Refused.Count: 1, Quarantined.Count: 1 });
        OpenMeter.Break(new OpenMeterFault(RequestFault.ClaimedAndFailed));
        var missing = await Recorder.RecordAsync(UsageSample.Event("claimed", UsageRecorder.Tenant, 9));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Missing == 1);
        Assert.Equal(0, (await RunAsync("dead-letters", "discard", $"{refused}", "--reason", "no longer wanted")).Code);
        Assert.Equal(0, (await RunAsync("dead-letters", "discard", $"{quarantined}", "--reason", "a mistake")).Code);
        Assert.Equal(0, (await RunAsync("ledger", "reissue", $"{missing}", "--reason", "its id is burnt")).Code);
        await Recorder.SettledAsync();
        var shown = Assert.Single(BilledEvents);

        OpenMeter.IsPoison = null;
        OpenMeter.ForgetClaims();
        foreach (var time in new[] { "once", "twice" })
        {
            Assert.Equal(0, (await RunAsync("ledger", "rebuild", "--reason", time)).Code);
            await Recorder.SettledAsync();
        }

        Assert.Equal(shown.GetProperty("id").GetString(), Assert.Single(BilledEvents).GetProperty("id").GetString());
        Assert.Equal((0, 0, 2), await Recorder.Ledger.StateAsync() is var state ? (state.Refused.Count, state.Quarantined.Count, (int)state.Counts.Discarded) : default);
        Assert.Equal("", (await RunAsync("dead-letters", "list")).Text);
        var compared = await RunAsync(metering, "ledger", "reconcile");
        Assert.Contains("1 given up", compared.Text, StringComparison.Ordinal);
        Assert.Contains("They differ on 1 events", compared.Text, StringComparison.Ordinal);

        // What comes back under the first id after all is named.
        OpenMeter.Put(shown.GetRawText().Replace(shown.GetProperty("id").GetString()!, "claimed", StringComparison.Ordinal));
        Assert.Contains("1 shown more than once", (await RunAsync(metering, "ledger", "reconcile")).Text, StringComparison.Ordinal);
    }

    /// <summary>Without the event by which it is tried whether OpenMeter takes any.</summary>
    private IEnumerable<System.Text.Json.JsonElement> BilledEvents => OpenMeter.AcceptedEvents.Where(each => each.GetProperty("subject").ValueEquals("acme"));

    private static bool IsPoison(System.Text.Json.JsonElement usage) => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");

    private Task<(int Code, string Text)> RunAsync(params string[] args) => RunAsync(Recorder.Host, args);
}
