using System.Text;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Export;

public sealed class UsageExportTests : IAsyncLifetime
{
    private NatsServer nats = null!;
    private OpenMeterStandIn openMeter = null!;
    private UsageRecorder recorder = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        openMeter = await OpenMeterStandIn.StartAsync(TestContext.Current.CancellationToken);
        recorder = await UsageRecorder.StartAsync(nats);
    }

    public async ValueTask DisposeAsync()
    {
        await recorder.DisposeAsync();
        await openMeter.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_ArriveAsTheyWereRecorded_InBatches()
    {
        openMeter.RequiredToken = "test-token";
        var events = await recorder.RecordAsync(10);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 5);
        await recorder.SettledAsync();

        Assert.Equal([$"[{string.Join(',', events.Take(5))}]", $"[{string.Join(',', events.Skip(5))}]"], openMeter.Requests.Select(BodyOf));
        Assert.All(openMeter.Requests, request => Assert.Equal("application/cloudevents-batch+json", request.ContentType));
        Assert.All(openMeter.Requests, request => Assert.Equal("Bearer test-token", request.Authorization));
        Assert.Equal(45, openMeter.Sum("total_tokens", "acme", "kgents.llm.usage.v1"));
    }

    /// <summary>A retry of a worker may have put an object of another layout there: what is billed is what was recorded, to the byte.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Bytes_AreNotWrittenAnew()
    {
        const string json = """{ "specversion":"1.0", "id":"1e0","source":"s", "type":"t","subject":"\u0061cme","data":{"n": 1.50} }""";
        await recorder.RecordAsync("1", json);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 1);
        await recorder.SettledAsync();

        Assert.Equal($"[{json}]", BodyOf(Assert.Single(openMeter.Requests)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AreAcknowledgedOnlyAfterOpenMeterTookThem()
    {
        openMeter.Hang = true;
        await recorder.RecordAsync(3);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 3);
        await Eventually.TrueAsync(() => openMeter.Requests.Count == 1);

        Assert.Equal((3, 0UL), await recorder.ProgressAsync());
        Assert.Empty(openMeter.AcceptedEvents);

        openMeter.Hang = false;
        await recorder.SettledAsync();
        Assert.Equal(3, openMeter.AcceptedEvents.Count);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AreSentAgainWithTheSameIds_WhenTheReplyIsLost()
    {
        openMeter.Deduplicate = false;
        openMeter.LoseReplies();
        var events = await recorder.RecordAsync(2);
        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);
        await recorder.SettledAsync();

        Assert.Equal(4, openMeter.AcceptedEvents.Count);
        Assert.Equal(IdsOf(events), openMeter.AcceptedEvents.Select(IdOf).Distinct());
        Assert.All(openMeter.Requests, request => Assert.Equal($"[{string.Join(',', events)}]", BodyOf(request)));
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_AllArriveOnce_AcrossARestart()
    {
        var before = await recorder.RecordAsync(4);
        await using (await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2))
        {
            await recorder.SettledAsync();
        }

        var meanwhile = await recorder.RecordAsync(4);
        Assert.Equal(IdsOf(before), openMeter.AcceptedEvents.Select(IdOf));

        await using var restarted = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);
        await recorder.SettledAsync();
        Assert.Equal(IdsOf([.. before, .. meanwhile]), openMeter.AcceptedEvents.Select(IdOf));
        Assert.Equal(0, openMeter.Duplicates);
    }

    [Fact(Timeout = Limits.Test)]
    public async Task Events_StayInTheStream_WhenThereIsNoOpenMeterYet()
    {
        var events = await recorder.RecordAsync(2);

        Assert.Single(recorder.Logs, line => line.StartsWith("Warning ", StringComparison.Ordinal) && line.Contains("ConnectionStrings:openmeter", StringComparison.Ordinal));
        Assert.Empty(await recorder.ConsumersAsync());
        Assert.Equal(2, await recorder.StoredAsync());

        await using var metering = await UsageRecorder.StartExportAsync(nats, openMeter, batchSize: 2);
        await recorder.SettledAsync();
        Assert.Equal(IdsOf(events), openMeter.AcceptedEvents.Select(IdOf));
        Assert.Equal(2, await recorder.StoredAsync());
    }

    private static string BodyOf(OpenMeterRequest request) => Encoding.UTF8.GetString(request.Body.Span);

    private static string IdOf(JsonElement usage) => usage.GetProperty("id").GetString()!;

    private static IEnumerable<string> IdsOf(IReadOnlyList<string> events) => events.Select(json => IdOf(JsonElement.Parse(json)));
}
