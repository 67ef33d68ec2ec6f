using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kgents.Contracts;
using Kgents.Metering.Corrections;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Corrections;

/// <summary>What is taken back is never more than there was, whoever asks and however often, and every side sees it.</summary>
public sealed class CorrectionTests : MeteringTest
{
    private const string Corrected = "corrected";

    [Fact(Timeout = Limits.Test)]
    public async Task Event_IsTakenBackWhole_OnEverySide()
    {
        await using var metering = await StartAsync();
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync("acme", "billing");
        var session = SessionId.New(0, TimeProvider.System);
        var sequence = await RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 30, 8, session: session));
        await RecordAsync(UsageSample.Event("other", UsageRecorder.Tenant, 3));

        var (code, text) = await RunAsync(metering, "ledger", "correct", $"{sequence}", "--reason", "the model was down", "--reference", "ticket-7");
        Assert.True(code == 0, text);
        await Recorder.SettledAsync();

        Assert.Equal((4, 0), (OpenMeter.Sum("total_tokens", "acme"), OpenMeter.Sum("output_tokens_visible", "acme")));
        Assert.Equal(1, OpenMeter.Sum("requests", "acme"));
        var correction = OpenMeter.AcceptedEvents[^1];
        var data = correction.GetProperty("data");
        Assert.Equal(
            (UsageEvent.BillableType, "correction", Corrected, "ticket-7", "the model was down", "-50", "-30", "-1"),
            (Text(correction, "type"), Text(data, "kind"), Text(data, "corrects"), Text(data, "reference"), Text(data, "reason"), Text(data, "total_tokens"), Text(data, "input_tokens_uncached"), Text(data, "requests")));
        Assert.Equal(Text(OpenMeter.AcceptedEvents[0], "time"), Text(correction, "time"));

        foreach (var query in (string[])["", "&group_by=session"])
        {
            var usage = await client.GetFromJsonAsync<JsonElement>($"/v1/usage?window=total&from={UsageSample.Time.AddHours(-2):yyyy-MM-dd'T'HH}:00:00Z{query}", TestContext.Current.CancellationToken);
            Assert.Equal(4, usage.GetProperty("usage").EnumerateArray().Sum(row => int.Parse(Text(row, "total_tokens"), System.Globalization.CultureInfo.InvariantCulture)));
        }

        Assert.Equal(0, (await RunAsync(metering, "ledger", "verify")).Code);
        var (same, compared) = await RunAsync(metering, "ledger", "reconcile");
        Assert.True(same == 0, compared);
        Assert.Contains("They say the same of every event.", compared, StringComparison.Ordinal);

        Assert.Contains("there is nothing to take back", (await RunAsync(metering, "ledger", "correct", $"{sequence}", "--reason", "again", "--reference", "ticket-8")).Text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Parts_AreTakenBack_UntilNothingIsLeft()
    {
        await using var metering = await StartAsync();
        var sequence = await RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 9));

        Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "a", ("input_tokens_uncached", 5)));
        Assert.Contains("only 4 is left", Refusal(await CorrectAsync(metering, sequence, "b", ("input_tokens_uncached", 5))), StringComparison.Ordinal);
        Assert.Contains("is not one of", Refusal(await CorrectAsync(metering, sequence, "b", ("total_tokens", 1))), StringComparison.Ordinal);
        Assert.Contains("negative", Refusal(await CorrectAsync(metering, sequence, "b", ("input_tokens_uncached", -1))), StringComparison.Ordinal);
        Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "c"));
        Assert.Contains("nothing to take back", Refusal(await CorrectAsync(metering, sequence, "d")), StringComparison.Ordinal);
        await Recorder.SettledAsync();
        Assert.Contains("is a correction itself", Refusal(await CorrectAsync(metering, sequence + 1, "e")), StringComparison.Ordinal);
        Assert.Contains("is not in the ledger", Refusal(await CorrectAsync(metering, 4711, "f")), StringComparison.Ordinal);

        await Recorder.SettledAsync();
        Assert.Equal((0, 0), (OpenMeter.Sum("total_tokens", "acme"), OpenMeter.Sum("requests", "acme")));
        Assert.Equal(3, (await Recorder.Ledger.StateAsync()).Counts.Counted);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SameReference_IsTheSameCorrection()
    {
        await using var metering = await StartAsync();
        var sequence = await RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 9));

        var first = Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "a", ("input_tokens_uncached", 2)));
        var again = Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "a", ("input_tokens_uncached", 2)));

        Assert.Equal((first.Id, first.Sequence, true, false), (again.Id, again.Sequence, first.IsNew, again.IsNew));
        Assert.Contains("another correction", Refusal(await CorrectAsync(metering, sequence, "a", ("input_tokens_uncached", 3))), StringComparison.Ordinal);
        Assert.Contains("another correction", Refusal(await CorrectAsync(metering, sequence, "a", ("input_tokens_uncached", 2), ("requests", 1))), StringComparison.Ordinal);
        Assert.Contains("another correction", Refusal(await CorrectAsync(metering, sequence, "a", ("requests", 0))), StringComparison.Ordinal);
        Assert.Contains("another correction", Refusal(await CorrectAsync(metering, sequence, "a")), StringComparison.Ordinal);
        await Recorder.SettledAsync();
        Assert.Equal(10, OpenMeter.Sum("total_tokens", "acme"));

        var all = Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "b"));
        Assert.Equal(all with { IsNew = false }, await CorrectAsync(metering, sequence, "b"));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task CorrectionsAtTheSameTime_DoNotPassTheBound()
    {
        await using var metering = await StartAsync();
        var sequence = await RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 10));

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(number => CorrectAsync(metering, sequence, $"r{number}", ("input_tokens_uncached", 3))));

        Assert.Equal(3, outcomes.OfType<CorrectionOutcome.Recorded>().Count());
        await Recorder.SettledAsync();
        Assert.Equal(1, OpenMeter.Sum("input_tokens_uncached", "acme"));
        Assert.Equal(0, (await Recorder.Ledger.StateAsync()).Counts.Quarantined);
    }

    /// <summary>Whoever recorded it: the ledger does not believe that somebody else has looked.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("input_tokens_uncached", "-10", "-13", "takes back more than is left")]
    [InlineData("id", "another", null, "its id is not that of correction 1")]
    [InlineData("corrects", "another", null, "does not correct event")]
    [InlineData("model", "another", null, "does not correct event")]
    [InlineData("requests", "1", null, "is positive, in a correction")]
    [InlineData("subject", "turns", null, "it is a correction, which is not recorded under")]
    public async Task CorrectionThatIsNone_IsQuarantined(string field, string value, string? total, string reason)
    {
        await using var metering = await StartAsync();
        var sequence = await RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 9));
        var ledger = metering.Services.GetRequiredService<Kgents.Metering.MeteringSessions>().OpenLedger(0);
        await ledger.LoadAsync(TestContext.Current.CancellationToken);
        var (state, _) = await ActivatorUtilities.CreateInstance<CorrectedUsage>(metering.Services, ledger).ReadAsync(sequence, TestContext.Current.CancellationToken);
        var good = CorrectionEvent.Create(state!, new CorrectionRequest(sequence, "r", "why", null), CorrectionEvent.All(state!.Left));
        var usage = JsonNode.Parse(good)!;
        (field == "id" ? usage.AsObject() : usage["data"]!.AsObject())[field] = value;
        if (total is not null)
        {
            usage["data"]!["total_tokens"] = total;
        }

        var subject = field == "subject" ? Subjects.Usage(UsageRecorder.Tenant, 0) : Subjects.UsageCorrections(UsageRecorder.Tenant, 0, sequence);
        await Conversations.StoreAsync(Recorder.Host, subject, Encoding.UTF8.GetBytes(usage.ToJsonString()));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Quarantined == 1);

        Assert.Contains(reason, Assert.Single(await Recorder.LettersAsync()).Reason, StringComparison.Ordinal);

        // A good one can be made all the same, and the audit comes to the same.
        Assert.IsType<CorrectionOutcome.Recorded>(await CorrectAsync(metering, sequence, "good"));
        await Recorder.SettledAsync();
        Assert.Equal((2, 0), ((await Recorder.Ledger.StateAsync()).Counts.Counted, OpenMeter.Sum("total_tokens", "acme")));
        Assert.Equal(0, (await RunAsync(metering, "ledger", "verify")).Code);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task DeadLetter_HasNothingToTakeBack()
    {
        OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
        await using var metering = await StartAsync();
        var sequence = await Recorder.RecordAsync(UsageSample.Event(Corrected, UsageRecorder.Tenant, 9, model: "poison"));
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Refused.Count == 1);

        Assert.Contains("is a dead letter", Refusal(await CorrectAsync(metering, sequence, "a")), StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(metering, "dead-letters", "discard", $"{sequence}", "--reason", "no")).Code);
        Assert.Contains("was given up", Refusal(await CorrectAsync(metering, sequence, "a")), StringComparison.Ordinal);
    }

    private async Task<ulong> RecordAsync(string json)
    {
        var sequence = await Recorder.RecordAsync(json);
        await Recorder.SettledAsync();
        return sequence;
    }

    private static async Task<CorrectionOutcome> CorrectAsync(KgentsHost metering, ulong sequence, string reference, params (string Field, decimal Quantity)[] taken)
    {
        var ledger = metering.Services.GetRequiredService<Kgents.Metering.MeteringSessions>().OpenLedger(0);
        await ledger.LoadAsync(TestContext.Current.CancellationToken);
        return await ActivatorUtilities.CreateInstance<UsageCorrector>(metering.Services, ledger).CorrectAsync(
            new CorrectionRequest(sequence, reference, "why", taken.Length == 0 ? null : taken.ToDictionary(each => each.Field, each => each.Quantity)), TestContext.Current.CancellationToken);
    }

    private static string Refusal(CorrectionOutcome outcome) => Assert.IsType<CorrectionOutcome.Refused>(outcome).Why;

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
