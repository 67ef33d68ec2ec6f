using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Export;

public sealed class UsageExportTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Events_ArriveAsTheyWereRecorded_InBatches()
    {
        OpenMeter.RequiredToken = "test-token";
        await using var metering = await StartAsync(("Metering:Export:BatchSize", "5"), ("Metering:Export:BatchWait", "00:01:00"));
        var events = await Recorder.RecordAsync(10);
        await Recorder.SettledAsync();

        Assert.Equal([$"[{string.Join(',', events.Take(5))}]", $"[{string.Join(',', events.Skip(5))}]"], OpenMeter.Requests.Select(BodyOf));
        Assert.All(OpenMeter.Requests, request => Assert.Equal("application/cloudevents-batch+json", request.ContentType));
        Assert.All(OpenMeter.Requests, request => Assert.Equal("Bearer test-token", request.Authorization));
        Assert.Equal(45, OpenMeter.Sum("input_tokens_uncached", "acme", UsageEvent.BillableType));
    }

    /// <summary>What is billed is what was recorded, to the byte, whoever wrote it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Bytes_AreNotWrittenAnew()
    {
        var json = $$"""{ "specversion":"1.0", "id":"1e0","source":"urn:kgents:streaming", "type":"another.type","subject":"\u0061cme","time":"{{UsageSample.Time:yyyy-MM-dd'T'HH:mm:ss}}+00:00","data":{"n": 1.50} }""";
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(json);
        await Recorder.SettledAsync();

        Assert.Equal($"[{json}]", BodyOf(Assert.Single(OpenMeter.Requests)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Sending_IsInTheLedgerBeforeTheRequest_AndNothingIsSettledBeforeItIsShown()
    {
        OpenMeter.Hang = true;
        await using var metering = await StartAsync();
        await Recorder.RecordAsync(3);
        await Eventually.TrueAsync(() => OpenMeter.Requests.Count == 1);

        Assert.Equal([new SequenceRange(1, 3)], Assert.Single(await Recorder.Ledger.EntriesAsync<UsageSending>()).Events);
        Assert.Empty(OpenMeter.AcceptedEvents);

        OpenMeter.VisibleAfter = TimeSpan.FromDays(1);
        OpenMeter.Hang = false;
        await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Counts.Accepted == 3);
        Assert.Equal(3, (await Recorder.Ledger.StateAsync()).Unsettled.Count);
        Assert.Empty(await Recorder.Ledger.EntriesAsync<UsageConfirmed>());
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AllArriveOnce_AcrossARestart()
    {
        await using (await StartAsync())
        {
            await Recorder.RecordAsync(4);
            await Recorder.SettledAsync();
        }

        var meanwhile = await Recorder.RecordAsync(4);
        Assert.Equal(4, OpenMeter.AcceptedEvents.Count);

        await using var restarted = await StartAsync();
        await Recorder.SettledAsync();
        Assert.Equal(meanwhile.Select(UsageSample.IdOf), OpenMeter.AcceptedEvents.Skip(4).Select(IdOf));
        Assert.Equal(0, OpenMeter.Duplicates);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AreEnteredAndStay_WhenThereIsNoOpenMeterYet()
    {
        await using (var without = await UsageRecorder.StartMeteringAsync(Nats, null))
        {
            await Recorder.RecordAsync(2);
            await Eventually.TrueAsync(async () => (await Recorder.Ledger.StateAsync()).Waiting == 2);
            Assert.Single(without.Logs.Lines, line => line.StartsWith("Warning ", StringComparison.Ordinal) && line.Contains("ConnectionStrings:openmeter", StringComparison.Ordinal));
        }

        await using var metering = await StartAsync();
        await Recorder.SettledAsync();
        Assert.Equal(2, OpenMeter.AcceptedEvents.Count);
    }

    /// <summary>Whoever sent usage before there was a ledger may have sent these: each is looked up, and sent only if OpenMeter does not have it.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Events_AreLookedUpFirst_WhenTheLedgerIsOpenedAfterThem()
    {
        OpenMeter.Deduplicate = false;
        var events = await Recorder.RecordAsync(5);
        using (var before = new HttpClient { BaseAddress = OpenMeter.Endpoint })
        {
            var content = new ByteArrayContent(Encoding.UTF8.GetBytes($"[{string.Join(',', events.Take(3))}]"));
            content.Headers.ContentType = new("application/cloudevents-batch+json");
            (await before.PostAsync(new Uri("/api/v1/events", UriKind.Relative), content, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        }

        await using var metering = await StartAsync();
        await Recorder.SettledAsync();

        Assert.Equal(events.Select(UsageSample.IdOf), OpenMeter.AcceptedEvents.Select(IdOf));
        Assert.Equal(0, OpenMeter.Duplicates);
    }

    /// <summary>A batch that begins with events to be looked up and ends with new ones.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Events_AllArriveOnce_WhenABatchHasSomeThatAreLookedUpAndSomeThatAreNot()
    {
        var before = await Recorder.RecordAsync(3);
        await using var metering = await StartAsync(("Metering:Export:BatchSize", "4"), ("Metering:Export:BatchWait", "00:01:00"));
        var after = await Recorder.RecordAsync(5);
        var last = await Recorder.RecordAsync(3);
        await Recorder.SettledAsync();

        Assert.Equal([new SequenceRange(1, 3)], (await Recorder.Ledger.EntriesAsync<UsageSending>())[0].Events);
        Assert.Equal([.. before.Concat(after).Concat(last).Select(UsageSample.IdOf).Order(StringComparer.Ordinal)], OpenMeter.AcceptedEvents.Select(IdOf).Order(StringComparer.Ordinal));
        Assert.Equal(0, OpenMeter.Duplicates);
    }

    /// <summary>Events whose send had no answer, in a session that is older than OpenMeter needs to show them, and a snapshot between the send and their showing.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task UnsureEvents_AreAwaited_ThoughASnapshotIsWritten()
    {
        OpenMeter.Deduplicate = false;
        OpenMeter.VisibleAfter = TimeSpan.FromSeconds(2);
        await using var metering = await StartAsync(
            ("Metering:Ledger:SnapshotInterval", "10"), ("Metering:Confirm:VisibleWithin", "00:00:03"), ("Metering:Confirm:MissingAfter", "00:00:03"));
        for (var i = 0; i < 2; i++)
        {
            await Recorder.RecordAsync(1);
            await Recorder.SettledAsync();
        }

        OpenMeter.LoseReplies();
        for (var i = 0; i < 6; i++)
        {
            var requests = OpenMeter.Requests.Count;
            await Recorder.RecordAsync(1);
            await Eventually.TrueAsync(() => OpenMeter.Requests.Count > requests);
        }

        await Recorder.SettledAsync();

        Assert.Contains(await Recorder.Ledger.EntriesAsync(), entry => entry is LedgerSnapshot { Unsettled.Count: > 0 });
        Assert.Equal(8, OpenMeter.AcceptedEvents.Count);
        Assert.Equal(0, OpenMeter.Duplicates);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Stop_WaitsForTheAnswerOfARequest_AndTheLedgerHasIt()
    {
        OpenMeter.Hang = true;
        OpenMeter.VisibleAfter = TimeSpan.FromDays(1);
        var metering = await StartAsync();
        await Recorder.RecordAsync(2);
        await Eventually.TrueAsync(() => OpenMeter.Requests.Count == 1);
        var stopping = metering.DisposeAsync();
        OpenMeter.Hang = false;
        await stopping;

        Assert.Equal(2, (await Recorder.Ledger.StateAsync()).Counts.Accepted);
    }

    private static string BodyOf(OpenMeterRequest request) => Encoding.UTF8.GetString(request.Body.Span);

    private static string IdOf(JsonElement usage) => usage.GetProperty("id").GetString()!;
}
