using System.Globalization;
using System.Text;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace Kgents.Tests.Api.Usage;

/// <summary>A tenant's usage is in several partitions, each with a ledger of its own.</summary>
public sealed class UsagePartitionTests : MeteringTest
{
    [Fact(Timeout = Limits.Test)]
    public async Task Partitions_AreAddedUp_AndOneThatNobodyMetersIsSaidToBeMissing()
    {
        await using var metering = await StartAsync(("Nats:Partitions", "2"));
        await using var api = await KgentsHost.StartAsync(Nats.Url, Parts.Api);
        using var client = await api.NewClientAsync("acme", "billing");
        await RecordAsync(0, 3);
        await RecordAsync(1, 5);
        await Eventually.TrueAsync(async () => !(await ReadAsync(client, "window=total")).GetProperty("is_behind").GetBoolean());

        foreach (var query in (string[])["window=total", "window=total&group_by=session"])
        {
            var usage = await ReadAsync(client, query);
            Assert.Equal(["0", "1"], usage.GetProperty("through").EnumerateArray().Select(each => each.GetProperty("partition").GetRawText()));
            Assert.Equal(8, usage.GetProperty("usage").EnumerateArray().Sum(row => long.Parse(row.GetProperty("input_tokens_uncached").GetString()!, CultureInfo.InvariantCulture)));
        }

        await RecordAsync(2, 7);
        var behind = await ReadAsync(client, "window=total");
        Assert.True(behind.GetProperty("is_behind").GetBoolean());
        Assert.Equal(3, behind.GetProperty("through").GetArrayLength());
    }

    private async Task RecordAsync(int partition, long input)
    {
        var usage = UsageSample.Event(Guid.NewGuid().ToString(), UsageRecorder.Tenant, input, at: TimeProvider.System.GetUtcNow());
        var ack = await Recorder.Host.JetStream.PublishAsync(
            Subjects.Usage(UsageRecorder.Tenant, partition), Encoding.UTF8.GetBytes(usage), NatsRawSerializer<byte[]>.Default, cancellationToken: TestContext.Current.CancellationToken);
        ack.EnsureSuccess();
    }

    private static async Task<JsonElement> ReadAsync(HttpClient client, string query) =>
        JsonElement.Parse(await client.GetStringAsync(new Uri($"/v1/usage?{query}", UriKind.Relative), TestContext.Current.CancellationToken));
}
