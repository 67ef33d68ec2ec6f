using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Export;

/// <summary>Whatever OpenMeter answers, no usage is dropped and none is counted twice, though this one does not deduplicate.</summary>
[TakesSeconds(33)]
public sealed class UsageExportRefusalTests : MeteringTest
{
    [Theory(Timeout = Limits.Test)]
    [InlineData(401, "its Key")]
    [InlineData(403, "its Key")]
    [InlineData(404, "its Endpoint")]
    [InlineData(405, "its Endpoint")]
    [InlineData(415, "its Endpoint")]
    [InlineData(302, "its Endpoint")]
    public async Task Everything_IsParkedAndNamed_WhenTheConfigurationIsWrong(int status, string setting)
    {
        OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, status);
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(4);
        await Eventually.TrueAsync(() => OpenMeter.Requests.Count >= 3);

        var health = await ReadyAsync(metering);
        Assert.Contains($"all usage is parked: OpenMeter answers {status}", health, StringComparison.Ordinal);
        Assert.Contains($"ConnectionStrings:openmeter, {setting}", health, StringComparison.Ordinal);
        Assert.Single(metering.Logs.Lines, line => line.StartsWith("Critical ", StringComparison.Ordinal) && line.Contains(setting, StringComparison.Ordinal));
        Assert.Single(await Recorder.Ledger.EntriesAsync<UsageParked>());
        Assert.Empty(await Recorder.LettersAsync());

        OpenMeter.Rule = null;
        await Recorder.SettledAsync();
        await AssertEachOnceAsync(4);
        Assert.Equal("Healthy\n", await ReadyAsync(metering));
        Assert.DoesNotContain(metering.Logs.Lines, line => line.Contains("test-token", StringComparison.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData(RequestFault.Refused, 500)]
    [InlineData(RequestFault.Refused, 503)]
    [InlineData(RequestFault.Refused, 408)]
    [InlineData(RequestFault.Refused, 429)]
    [InlineData(RequestFault.Refused, 425)]
    [InlineData(RequestFault.PartlyTaken, 500)]
    [InlineData(RequestFault.BrokenBefore, 0)]
    [InlineData(RequestFault.BrokenAfter, 0)]
    public async Task EachEvent_ArrivesOnce_WhenARequestFails(RequestFault fault, int status)
    {
        await Recorder.RecordAsync(3);
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(50);
        OpenMeter.Break(new OpenMeterFault(fault, status, Taken: 2), times: 3);
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(5);
        await Recorder.SettledAsync();

        await AssertEachOnceAsync(8);
        Assert.Empty(await Recorder.LettersAsync());
    }

    /// <summary>A batch that was not taken goes again at once, as it was; one that may have been is looked for before.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EventsWithoutAClearAnswer_AreLookedForBeforeTheyGoAgain()
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(100);
        OpenMeter.Break(new OpenMeterFault(RequestFault.PartlyTaken, Taken: 2));
        await using var metering = await StartInBatchesAsync(5);
        var events = await Recorder.RecordAsync(5);
        await Recorder.SettledAsync();

        Assert.Equal([5, 3], OpenMeter.Requests.Select(request => request.EventCount));
        Assert.Equal($"[{string.Join(',', events.Skip(2))}]", System.Text.Encoding.UTF8.GetString(OpenMeter.Requests[1].Body.Span));
        Assert.Equal([null, UsageSending.Unsure], (await Recorder.Ledger.EntriesAsync<UsageSending>()).Select(sending => sending.Again));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Exporter_WaitsAsLongAsItIsAsked_WhenThereIsARetryAfter()
    {
        OpenMeter.FailNext(429, retryAfter: TimeSpan.FromSeconds(2));
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();

        Assert.Equal(2, OpenMeter.Requests.Count);
        Assert.Contains(metering.Logs.Lines, line => line.Contains("OpenMeter did not take 1 usage events (429", StringComparison.Ordinal) && line.Contains("in 00:00:02", StringComparison.Ordinal));
    }

    /// <summary>Five failures open the breaker: from then on no event is taken up that was not sent before, and those that were go one now and then, until it is well again.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Breaker_HoldsUpWhatWasNotSent_WhileOpenMeterFails()
    {
        OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
        await using var metering = await StartAsync(("Metering:Export:BatchSize", "1"));
        await Recorder.RecordAsync(30);
        await Eventually.TrueAsync(() => OpenMeter.Requests.Count >= 8);

        var state = await Recorder.Ledger.StateAsync();
        Assert.Equal((5, 25), (state.Unsettled.Count, state.Waiting));
        OpenMeter.Rule = null;
        await Recorder.SettledAsync();
        await AssertEachOnceAsync(30);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Batch_IsHalved_WhenItIsTooLarge()
    {
        OpenMeter.LargestBody = 3000;
        await using var metering = await StartInBatchesAsync(8);
        await Recorder.RecordAsync(8);
        await Recorder.SettledAsync();

        await AssertEachOnceAsync(8);
        Assert.Equal([8, 4, 2], OpenMeter.Requests.Take(3).Select(request => request.EventCount));
        Assert.Empty(await Recorder.LettersAsync());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task EventThatIsTooLargeAlone_IsADeadLetter_AndTheOthersGo()
    {
        OpenMeter.LargestBody = 3000;
        await using var metering = await StartInBatchesAsync(5);
        await Recorder.RecordAsync(2);
        var large = UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 2).Replace("{\"schema\"", $"{{{new string(' ', 3000)}\"schema\"", StringComparison.Ordinal);
        var sequence = await Recorder.RecordAsync(large);
        await Recorder.RecordAsync(2);
        await Recorder.SettledAsync();

        var letter = Assert.Single(await Recorder.LettersAsync());
        Assert.Equal(sequence, letter.Sequence);
        Assert.Contains("413", letter.Reason, StringComparison.Ordinal);
        Assert.Equal(4, OpenMeter.AcceptedEvents.Count(usage => usage.GetProperty("subject").ValueEquals("acme")));
    }

    /// <summary>The ledger checks events before OpenMeter does, so this one is refused for what only OpenMeter asks.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task BadEvent_IsADeadLetterWithItsReason_AndTheOthersGo(bool hasIndex)
    {
        if (!hasIndex)
        {
            OpenMeter.IsPoison = usage => usage.GetProperty("data").TryGetProperty("model", out var model) && model.ValueEquals("poison");
        }

        await using var metering = await StartInBatchesAsync(8);
        await Recorder.RecordAsync(3);
        var bad = UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, 3, model: "poison");
        var sequence = await Recorder.RecordAsync(hasIndex ? bad.Replace("application/json", "text/plain", StringComparison.Ordinal) : bad);
        await Recorder.RecordAsync(4);
        await Recorder.SettledAsync();

        var letter = Assert.Single(await Recorder.LettersAsync());
        Assert.Equal((sequence, Streams.Usage.Name), (letter.Sequence, letter.Stream));
        Assert.Contains(hasIndex ? "Error at \"/3/datacontenttype\"" : "invalid event: unknown", letter.Reason, StringComparison.Ordinal);
        Assert.Equal([sequence], (await Recorder.Ledger.StateAsync()).Refused);
        Assert.Equal(7, OpenMeter.AcceptedEvents.Count(usage => usage.GetProperty("subject").ValueEquals("acme")));

        // The batch, its halves and theirs down to the one, a good event to compare with, the one again, and the rest.
        Assert.Equal(hasIndex ? 2 : 9, OpenMeter.Requests.Count);
        Assert.Equal(0, OpenMeter.Duplicates);
    }

    /// <summary>If a good event is refused as well, the events are not at fault, and no dead letter is made of them.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(400)]
    [InlineData(413)]
    public async Task Everything_IsParked_WhenAGoodEventIsRefusedToo(int status)
    {
        OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, status);
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(4);
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.EntriesAsync<UsageParked>()).Count == 1);

        OpenMeter.Rule = null;
        await Recorder.SettledAsync();
        Assert.Empty(await Recorder.LettersAsync());
        await AssertEachOnceAsync(4);
    }

    /// <summary>OpenMeter is mended after it has refused the event and before it takes the good one.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData(400)]
    [InlineData(413)]
    public async Task Event_IsTaken_WhenItIsRefusedOnlyBeforeTheGoodOneIsTaken(int status)
    {
        OpenMeter.FailNext(status);
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();

        Assert.Empty(await Recorder.LettersAsync());
        await AssertEachOnceAsync(1);
        Assert.Equal(3, OpenMeter.Requests.Count);
        Assert.Equal(OpenMeter.Requests[0].Body, OpenMeter.Requests[2].Body);
    }

    /// <summary>The answer to the second try gets lost: that the first was refused does not make it one that was not taken.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Event_IsLookedFor_WhenItGoesOnceMoreAndHasNoClearAnswer()
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromMilliseconds(100);
        OpenMeter.FailNext(400);
        OpenMeter.Break(new OpenMeterFault(RequestFault.None));
        OpenMeter.LoseReplies();
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(1);
        await Recorder.SettledAsync();

        Assert.Empty(await Recorder.LettersAsync());
        await AssertEachOnceAsync(1);
        Assert.Equal(3, OpenMeter.Requests.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Export_Stops_WhenSoManyAreRefusedThatItIsNotTheirFault()
    {
        await using var metering = await StartAsync(("Metering:Export:MaxRefused", "2"));
        for (var i = 0; i < 5; i++)
        {
            await Recorder.RecordAsync(UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, i).Replace("application/json", "text/plain", StringComparison.Ordinal));
        }

        await Eventually.TrueAsync(async () => (await ReadyAsync(metering)).Contains("2 usage events were refused and nothing more is sent", StringComparison.Ordinal));
        Assert.Equal(2, (await Recorder.Ledger.StateAsync()).Refused.Count);
    }

    /// <summary>A batch that goes only when it is full: how many events are in it depends on no pause of the machine's.</summary>
    private Task<KgentsHost> StartInBatchesAsync(int size) => StartAsync(("Metering:Export:BatchSize", $"{size}"), ("Metering:Export:BatchWait", "00:01:00"));

    private async Task AssertEachOnceAsync(int count)
    {
        var ids = OpenMeter.AcceptedEvents.Where(usage => usage.GetProperty("subject").ValueEquals("acme")).Select(usage => usage.GetProperty("id").GetString()).ToList();
        Assert.Equal(count, ids.Count);
        Assert.Equal(count, ids.Distinct().Count());
        Assert.Equal(0, OpenMeter.Duplicates);
        Assert.Equal((count, count), ((int)(await Recorder.Ledger.StateAsync()).Counts.Counted, (int)(await Recorder.Ledger.StateAsync()).Counts.Confirmed));
    }
}
