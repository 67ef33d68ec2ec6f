using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Metering.Reconcile;
using Kgents.ServiceDefaults.Ledger;
using Kgents.Tests.Hosting;
using Kgents.Tests.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Metering.Operations;

/// <summary>What OpenMeter's meters sum is compared with the events that it shows.</summary>
public sealed class MeterComparisonTests : MeteringTest
{
    /// <summary>Two hours are over for an hour in any case.</summary>
    private static readonly DateTimeOffset Over = TimeProvider.System.GetUtcNow().AddHours(-3);

    [Theory(Timeout = Limits.Test)]
    [InlineData("llm_tokens_total", 41, "sums 41, and its events 40: it counts other events besides, or events twice  acme")]
    [InlineData("llm_tokens_total", 39, "sums 39, and its events 40: it does not count all of these events  acme")]
    [InlineData("llm_input_tokens", 40, "sums 40, and the ledger 30: it sums as much as input_tokens has, and should sum input_tokens_uncached  acme")]
    [InlineData("llm_cache_read_tokens", 12, "sums 12, and the ledger 10: it counts other events besides, or events twice  acme")]
    [InlineData("llm_cache_read_tokens", 0, "sums 0, and the ledger 10: it counts none of these events  acme")]
    [InlineData("llm_cache_write_tokens", 2, "sums 2, and the ledger 0: it counts other events besides, or events twice  acme")]
    [InlineData("llm_output_tokens", 10, "sums 10, and the ledger 0: it sums as much as cache_read_tokens has, and should sum output_tokens_visible  acme")]
    [InlineData("llm_reasoning_tokens", 2, "sums 2, and the ledger 0: it counts other events besides, or events twice  acme")]
    [InlineData("llm_requests", 2, "sums 2, and the ledger 1: it counts other events besides, or events twice  acme")]
    [InlineData("api_requests", 4, "sums 4, and its events 3: it counts other events besides, or events twice  acme")]
    [InlineData("", 0, null)]
    public async Task Command_NamesAMeterThatSumsSomethingElse(string slug, int bent, string? named)
    {
        OpenMeter.Meters.Bend = (meter, sum) => meter == slug ? bent : sum;
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(UsageSample.Event("tokens", UsageRecorder.Tenant, 30, at: Over));
        await Conversations.StoreAsync(Recorder.Host, Subjects.RequestUsage(UsageRecorder.Tenant, 0), UsageSample.Requests("requests", UsageRecorder.Tenant, 3, Over));
        await Recorder.SettledAsync();

        var (code, text) = await ReconcileAsync(metering);

        Assert.Contains("They say the same of every event.", text, StringComparison.Ordinal);
        Assert.Equal(named is null ? (0, 0) : (1, 1), (code, text.Split("OpenMeter's meter").Length - 1));
        Assert.Contains(named is null ? "" : $"OpenMeter's meter {slug} {named}", text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Partitions_AreAddedUp()
    {
        await using var metering = await StartAsync(("Nats:Partitions", "2"));
        await Conversations.StoreAsync(Recorder.Host, Subjects.Usage(UsageRecorder.Tenant, 0), Encoding.UTF8.GetBytes(UsageSample.Event("zero", UsageRecorder.Tenant, 3, at: Over)));
        await Conversations.StoreAsync(Recorder.Host, Subjects.Usage(UsageRecorder.Tenant, 1), Encoding.UTF8.GetBytes(UsageSample.Event("one", UsageRecorder.Tenant, 6, at: Over)));
        await Eventually.TrueAsync(() => Task.FromResult(OpenMeter.AcceptedEvents.Count == 2));

        // The events may be on their way to being confirmed, which is no difference that is named.
        Assert.Equal(0, (await ReconcileAsync(metering)).Code);
        OpenMeter.Meters.Bend = (_, sum) => sum + 1;
        await Eventually.TrueAsync(async () => (await ReconcileAsync(metering, "--partition", "1")).Text.Contains("sums 13, and its events 12: ", StringComparison.Ordinal));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Hours_ThatAreNotOverForAnHour_AndGroupsThatDiffer_AreLeft()
    {
        OpenMeter.Meters.Bend = (_, sum) => sum + 1;
        await using var metering = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var (over, last, differing) = (Row(now.AddHours(-2), "over"), Row(now.AddHours(-1), "last"), Row(now.AddHours(-2), "differing"));
        var named = new Difference(1, "id", differing.Group, 1, Cause.Unconfirmed);

        var found = await Comparison(metering).RunAsync([new(UsageHour.Of(now.AddHours(-5)), UsageHour.Of(now), null, [over, last, differing], new(named))], TestContext.Current.CancellationToken);

        Assert.Equal(new MeterDifference(over.Group, Total, 9, 8), Assert.Single(found));
        Assert.Equal<(decimal?, decimal?, decimal?)>((9, null, null), (over.Meter, last.Meter, differing.Meter));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task WhatTheLedgerHasNot_IsNamed()
    {
        await using var metering = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var row = Row(now.AddHours(-2), "mine");
        OpenMeter.Put(UsageSample.Event("foreign", UsageRecorder.Tenant, 5, model: "foreign", at: now.AddHours(-2)));

        var found = await Comparison(metering).RunAsync([new(UsageHour.Of(now.AddHours(-5)), UsageHour.Of(now), null, [row], new())], TestContext.Current.CancellationToken);

        Assert.Equal(new MeterDifference(row.Group with { Model = "foreign" }, Total, 6, 0), Assert.Single(found));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task SumsThatADoubleDoesNotTellApart_AreTheSame()
    {
        await using var metering = await StartAsync();
        var now = TimeProvider.System.GetUtcNow();
        var row = Row(now.AddHours(-2), "mine", 6_755_399_441_055_739);

        var found = await Comparison(metering).RunAsync([new(UsageHour.Of(now.AddHours(-5)), UsageHour.Of(now), null, [row], new())], TestContext.Current.CancellationToken);

        Assert.Equal<(decimal, decimal?)>((9_007_199_254_740_993, 9_007_199_254_740_992), (row.OpenMeter.Quantity, row.Meter));
        Assert.Empty(found);
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(404, 0, "They say the same of every event.")]
    [InlineData(403, 1, "OpenMeter does not show what its meters sum (it answers 403)")]
    public async Task MetersThatDoNotAnswer_LeaveTheEventsCompared(int status, int code, string said)
    {
        OpenMeter.Meters.Status = status;
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(UsageSample.Event("tokens", UsageRecorder.Tenant, 30, at: Over));
        await Recorder.SettledAsync();

        var told = await ReconcileAsync(metering);

        Assert.Equal(code, told.Code);
        Assert.Contains("They say the same of every event.", told.Text, StringComparison.Ordinal);
        Assert.Contains(said, told.Text, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limits.Test)]
    [Measures("kgents.metering.meter_differences")]
    public async Task Tenant_IsToldWhatAMeterSums_AndWhatIsKnownWithout()
    {
        OpenMeter.Meters.Status = 403;
        await using var metering = await StartAsync(("Metering:Reconcile:Interval", "00:00:00.200"));
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync("acme", "billing");
        await Recorder.RecordAsync(UsageSample.Event("tokens", UsageRecorder.Tenant, 30, at: Over));

        await Eventually.TrueAsync(async () => await RowAsync(client) is { ValueKind: JsonValueKind.Object } row && row.GetProperty("open_meter").GetProperty("quantity").GetString() == "40" && !row.TryGetProperty("meter", out _));
        OpenMeter.Meters.Bend = (_, sum) => sum + 1;
        OpenMeter.Meters.Status = null;
        await Eventually.TrueAsync(async () => (await RowAsync(client)).TryGetProperty("meter", out var meter) && meter.GetString() == "41");
        MeasuresAttribute.LookNow();

        static async Task<JsonElement> RowAsync(HttpClient client) =>
            (await client.GetFromJsonAsync<JsonElement>("/v1/usage/reconciliation", TestContext.Current.CancellationToken))
                .GetProperty("partitions").EnumerateArray().SelectMany(each => each.GetProperty("usage").EnumerateArray()).SingleOrDefault();
    }

    /// <summary>A total is the sum of its buckets, so that two of them can be wrong and it is not.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EventWithOtherBuckets_OfTheSameTotal_IsNamedByItsMeters()
    {
        await using var metering = await StartAsync();
        var usage = UsageSample.Event("moved", UsageRecorder.Tenant, 30, at: Over);
        await Recorder.RecordAsync(usage);
        await Recorder.SettledAsync();
        OpenMeter.Forget("moved");
        OpenMeter.Put(usage.Replace("\"input_tokens_uncached\":\"30\",\"cache_read_tokens\":\"10\"", "\"input_tokens_uncached\":\"25\",\"cache_read_tokens\":\"15\"", StringComparison.Ordinal));

        var (code, text) = await ReconcileAsync(metering);

        Assert.Equal((1, 2), (code, text.Split("OpenMeter's meter").Length - 1));
        Assert.Contains("llm_input_tokens sums 25, and the ledger 30: it does not count all of these events", text, StringComparison.Ordinal);
        Assert.Contains("llm_cache_read_tokens sums 15, and the ledger 10: it counts other events besides, or events twice", text, StringComparison.Ordinal);
    }

    private static UsageMeter Total => UsageMeter.Of(UsageEvent.BillableType)[0];

    private static MeterComparison Comparison(KgentsHost metering) => metering.Services.GetRequiredService<MeterComparison>();

    /// <summary>Of 8 tokens and those of as much input, of which OpenMeter has the events.</summary>
    private ReconciledRow Row(DateTimeOffset hour, string model, long input = 0)
    {
        OpenMeter.Put(UsageSample.Event($"{model} 1", UsageRecorder.Tenant, 6, 0, model, hour));
        OpenMeter.Put(UsageSample.Event($"{model} 2", UsageRecorder.Tenant, input, 0, model, hour));
        var total = 8 + input + (input / 3);
        var counted = new UsageTotal(UsageRecorder.Tenant, UsageHour.Of(hour), model, UsageEvent.BillableType) { Events = 2, Requests = 2, InputTokensUncached = 6 + input, CacheReadTokens = 2 + (input / 3), TotalTokens = total };
        return new ReconciledRow(ReconciledGroup.Of(counted)) { OpenMeter = new ReconciledSum(2, total), Counted = counted };
    }

    private static Task<(int Code, string Text)> ReconcileAsync(KgentsHost host, params string[] options) => RunAsync(host, ["ledger", "reconcile", .. options]);
}
