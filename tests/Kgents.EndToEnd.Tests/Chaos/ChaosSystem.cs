using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Two replicas of the API, two workers and a nats-server whose acks survive a kill, all as processes.</summary>
internal sealed class ChaosSystem : IAsyncDisposable
{
    private readonly string key;
    private readonly NatsUsers users;

    private ChaosSystem(NatsServer nats, NatsUsers users, ScriptedModelServer model)
    {
        this.users = users;
        Nats = nats;
        Model = model;
        Store = new Store(users.UrlOf(NatsUsers.Operator, nats.Port));
        key = ApiKey.New().Text;
        Apis = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Api", NatsUsers.Api, ("Auth__BootstrapKey", key)))];
        Workers = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Streaming", NatsUsers.Streaming, ("ConnectionStrings__llm", model.ConnectionString)))];
        Http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = Timeout.InfiniteTimeSpan };
        Http.DefaultRequestHeaders.Add("X-API-Key", key);
    }

    public NatsServer Nats { get; }

    public ScriptedModelServer Model { get; }

    public Store Store { get; }

    public IReadOnlyList<Replica> Apis { get; }

    public IReadOnlyList<Replica> Workers { get; }

    /// <summary>Knows the key, and no address.</summary>
    public HttpClient Http { get; }

    public static async Task<ChaosSystem> StartAsync(CancellationToken cancellationToken)
    {
        var users = new NatsUsers();
        var nats = await NatsServer.StartAsync(new NatsServerSettings { SyncInterval = "always", Users = users }, cancellationToken);
        var system = new ChaosSystem(nats, users, await ScriptedModelServer.StartAsync(cancellationToken));
        try
        {
            Replica[] all = [.. system.Apis, .. system.Workers];
            await Task.WhenAll(all.Select(replica => replica.StartAsync(cancellationToken)));
            await Task.WhenAll(all.Select(replica => replica.Process.WaitForReadyAsync(cancellationToken)));
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
        await Task.WhenAll(Apis.Concat(Workers).Select(replica => replica.DisposeAsync().AsTask()));
        await Store.DisposeAsync();
        await Model.DisposeAsync();
        var violations = await Nats.ReadViolationsButLateAnswersAsync();
        await Nats.DisposeAsync();
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    private Replica Create(string project, string user, (string Name, string Value) own) => new(project, new Dictionary<string, string?>
    {
        ["ConnectionStrings__nats"] = users.UrlOf(user, Nats.Port),
        ["Logging__LogLevel__Default"] = "Warning",

        // Shorter than by default, so that a short run sees many take-overs.
        ["Turns__AckWait"] = "00:00:02",
        ["Turns__DrainTimeout"] = "00:00:01",
        [own.Name] = own.Value,
    });
}
