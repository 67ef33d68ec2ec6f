using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Nats;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Metering.Operations;

/// <summary>What a tenant sees of the comparisons of its usage, which metering makes by itself.</summary>
public sealed class ReconciliationViewTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Tenant_IsToldTheLastComparison_AndNobodyElses()
    {
        await using var metering = await StartAsync(("Metering:Reconcile:Interval", "00:00:00.200"));
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var mine = await api.NewClientAsync("acme", "billing");
        using var other = await api.NewClientAsync("other", "billing");
        var sent = await Recorder.RecordAsync(2);
        await Recorder.SettledAsync();
        OpenMeter.Forget(UsageSample.IdOf(sent[1]));

        JsonElement partition = default;
        await Eventually.TrueAsync(async () =>
        {
            var told = await mine.GetFromJsonAsync<JsonElement>("/v1/usage/reconciliation", TestContext.Current.CancellationToken);
            return told.GetProperty("partitions").EnumerateArray().Select(each => partition = each).Any(each => each.GetProperty("difference_count").GetInt32() == 1);
        });

        var row = Assert.Single(partition.GetProperty("usage").EnumerateArray());
        Assert.Equal(("2", "1", "0"), (Events(row, "ledger"), Events(row, "open_meter"), Events(row, "token_log")));
        var difference = Assert.Single(partition.GetProperty("differences").EnumerateArray());
        Assert.Equal((UsageSample.IdOf(sent[1]), "vanished", false), (difference.GetProperty("id").GetString(), difference.GetProperty("cause").GetString(), difference.GetProperty("under_way").GetBoolean()));
        var theirs = await other.GetFromJsonAsync<JsonElement>("/v1/usage/reconciliation", TestContext.Current.CancellationToken);
        Assert.Empty(theirs.GetProperty("partitions").EnumerateArray());

        // However often it is looked, a difference is one event for webhooks.
        await Eventually.TrueAsync(async () => (await WebhookEventsAsync()).Count > 0);
        var events = await WebhookEventsAsync();
        Assert.Contains(WebhookEventTypes.ReconciliationMismatch, Encoding.UTF8.GetString(Assert.Single(events).Data.Span), StringComparison.Ordinal);

        static string? Events(JsonElement row, string side) => row.GetProperty(side).GetProperty("events").GetString();
    }

    private async Task<List<StoredEntry>> WebhookEventsAsync() =>
        await Recorder.Host.Reader.ReadAsync(Streams.WebhookEvents.Name, ">", 1, 0, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
}
