using Kgents.Contracts;
using Kgents.Metering.Operations;
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

    private static bool IsPoison(System.Text.Json.JsonElement usage) => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");

    /// <summary>Once more when a replica wrote at the same time, as an operator would.</summary>
    private async Task<(int Code, string Text)> RunAsync(params string[] args)
    {
        while (true)
        {
            await using var output = new StringWriter();
            var code = await MeteringCommands.RunAsync(MeteringArguments.TryParse(args)!, Recorder.Host.Services, output, TestContext.Current.CancellationToken);
            if (!output.ToString().Contains("Once more.", StringComparison.Ordinal))
            {
                return (code, output.ToString().ReplaceLineEndings("\n"));
            }
        }
    }
}
