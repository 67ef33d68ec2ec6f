using Kgents.Testing;

namespace Kgents.Tests.Metering;

/// <summary>Metering as real processes, so that they can be killed with -9.</summary>
internal sealed class MeteringReplicas(string natsUrl, string openMeter) : IAsyncDisposable
{
    private readonly List<ServiceProcess> running = [];

    public int Kills { get; private set; }

    public async Task StartAsync() => running.Add(await ServiceProcess.StartAsync(
        "Kgents.Metering",
        new Dictionary<string, string?>
        {
            ["ConnectionStrings__nats"] = natsUrl,
            ["ConnectionStrings__openmeter"] = openMeter,
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["Metering__Ledger__PollInterval"] = "00:00:00.020",
            ["Metering__Ledger__Lease"] = "00:00:02",
            ["Metering__Ledger__SnapshotInterval"] = "50",
            ["Metering__Ledger__RangeSize"] = "60",
            ["Metering__Export__BatchSize"] = "20",
            ["Metering__Export__BatchWait"] = "00:00:00.050",
            ["Metering__Export__RequestTimeout"] = "00:00:05",
            ["Metering__Export__RetryDelay"] = "00:00:00.010",
            ["Metering__Export__LongestRetryDelay"] = "00:00:00.100",
            ["Metering__Confirm__Interval"] = "00:00:00.050",
            ["Metering__Confirm__VisibleWithin"] = "00:00:10",
            ["Metering__Confirm__MissingAfter"] = "00:00:10",
        },
        TestContext.Current.CancellationToken));

    public async Task KillOneAsync(Random random)
    {
        var victim = running[random.Next(running.Count)];
        running.Remove(victim);
        await victim.KillAsync(TestContext.Current.CancellationToken);
        await victim.DisposeAsync();
        Kills++;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in running)
        {
            await replica.DisposeAsync();
        }
    }
}
