using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Two replicas of the API, two workers and NATS, all as processes; on a cluster two of metering too.</summary>
internal sealed class ChaosSystem : IAsyncDisposable
{
    private readonly string key;

    private ChaosSystem(ChaosNats nats, ScriptedModelServer model, OpenMeterStandIn openMeter)
    {
        Nats = nats;
        Model = model;
        OpenMeter = openMeter;
        Store = nats.OpenStore();
        key = ApiKey.New().Text;
        Apis = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Api", NatsUsers.Api, ("Auth__BootstrapKey", key)))];
        Workers = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Streaming", NatsUsers.Streaming, ("ConnectionStrings__llm", model.ConnectionString)))];
        Meters = [.. Enumerable.Range(0, nats.IsCluster ? 2 : 0).Select(_ => Create("Kgents.Metering", NatsUsers.Metering, ("ConnectionStrings__openmeter", openMeter.ConnectionString)))];
        Http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
        Http.DefaultRequestHeaders.Add("X-API-Key", key);
    }

    public ChaosNats Nats { get; }

    public ScriptedModelServer Model { get; }

    public OpenMeterStandIn OpenMeter { get; }

    public Store Store { get; }

    public IReadOnlyList<Replica> Apis { get; }

    public IReadOnlyList<Replica> Workers { get; }

    public IReadOnlyList<Replica> Meters { get; }

    public IEnumerable<Replica> Replicas => [.. Apis, .. Workers, .. Meters];

    /// <summary>Knows the key, and no address.</summary>
    public HttpClient Http { get; }

    public static async Task<ChaosSystem> StartAsync(Task<ChaosNats> nats, CancellationToken cancellationToken)
    {
        var system = new ChaosSystem(await nats, await ScriptedModelServer.StartAsync(cancellationToken), await OpenMeterStandIn.StartAsync(cancellationToken));
        try
        {
            await Task.WhenAll(system.Replicas.Select(replica => replica.StartAsync(cancellationToken)));
            await Task.WhenAll(system.Replicas.Select(replica => replica.Process.WaitForReadyAsync(cancellationToken)));
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Task.WhenAll(Replicas.Select(replica => replica.DisposeAsync().AsTask()));
        await Store.DisposeAsync();
        await Model.DisposeAsync();
        await OpenMeter.DisposeAsync();
        await Nats.DisposeAsync();
    }

    private Replica Create(string project, string user, (string Name, string Value) own) => new(project, new Dictionary<string, string?>(Nats.Environment)
    {
        ["ConnectionStrings__nats"] = Nats.UrlOf(user),
        ["Logging__LogLevel__Default"] = "Warning",

        // Shorter than by default, so that a short run sees many take-overs.
        ["Turns__AckWait"] = "00:00:02",
        ["Turns__DrainTimeout"] = "00:00:01",

        // In a hurry, and without the probe, whose events nobody has asked for.
        ["Metering__Export__BatchWait"] = "00:00:00.100",
        ["Metering__Confirm__Interval"] = "00:00:00.200",
        ["Metering__Confirm__Probe"] = "false",
        [own.Name] = own.Value,
    });
}
