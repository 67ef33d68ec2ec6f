using System.Collections.Concurrent;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>A real nats-server, the three services as real processes with the environment that Aspire gives them, and stand-ins for what is outside.</summary>
public sealed class KgentsSystem : IAsyncDisposable
{
    private const string NatsUser = "nats";
    private readonly SystemSettings settings;
    private readonly Services services = new();
    private readonly ConcurrentBag<KgentsClient> clients = [];

    private KgentsSystem(SystemSettings settings, NatsServer nats, string natsPassword, ScriptedModelServer model, OpenMeterStandIn openMeter)
    {
        this.settings = settings;
        Nats = nats;
        NatsPassword = natsPassword;
        Model = model;
        OpenMeter = openMeter;
        Store = new Store(NatsConnectionString);
    }

    public NatsServer Nats { get; }

    public string NatsPassword { get; }

    public ScriptedModelServer Model { get; }

    public OpenMeterStandIn OpenMeter { get; }

    /// <summary>A look into the streams from outside the services.</summary>
    public Store Store { get; }

    /// <summary>The admin key that the API is configured with.</summary>
    public string Key { get; } = ApiKey.New().Text;

    /// <summary>The latest API that was started.</summary>
    public ServiceProcess Api { get; private set; } = null!;

    /// <summary>Talks to <see cref="Api"/> with <see cref="Key"/>.</summary>
    public KgentsClient Client { get; private set; } = null!;

    public ServiceProcess Metering => services.Of("Kgents.Metering")[^1];

    public IReadOnlyList<ServiceProcess> Workers => services.Of("Kgents.Streaming");

    /// <summary>Every line of every service so far, of ended ones too.</summary>
    public IReadOnlyList<string> Output => [.. services.All.SelectMany(process => process.Output)];

    private string NatsConnectionString => $"nats://{NatsUser}:{NatsPassword}@127.0.0.1:{Nats.Port}";

    public static async Task<KgentsSystem> StartAsync(SystemSettings? settings = null)
    {
        var token = TestContext.Current.CancellationToken;
        var password = Guid.NewGuid().ToString("n");
        var users = $"authorization {{ user: {NatsUser}, password: \"{password}\" }}";
        var nats = await NatsServer.StartAsync(new NatsServerSettings { ExtraConfiguration = users }, token);
        var system = new KgentsSystem(
            settings ?? new SystemSettings(), nats, password, await ScriptedModelServer.StartAsync(token), await OpenMeterStandIn.StartAsync(token));
        try
        {
            await system.StartServicesAsync();
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public async Task StartServicesAsync()
    {
        var workers = Enumerable.Range(0, settings.Workers).Select(_ => StartWorkerAsync());
        var metering = settings.Metering ? StartMeteringAsync() : Task.CompletedTask;
        await Task.WhenAll([StartApiAsync(), metering, .. workers]);
    }

    /// <summary>SIGTERM to all that run; returns their exit codes.</summary>
    public Task<int[]> TerminateServicesAsync() => services.TerminateAsync();

    /// <summary>One more replica, or one in place of a dead one.</summary>
    public async Task<ServiceProcess> StartApiAsync(params (string Name, string? Value)[] own)
    {
        Api = await StartAsync("Kgents.Api", "api", [("Auth__BootstrapKey", Key), .. own]);
        Client = Connect(Key);
        await Client.WaitUntilKnownAsync();
        return Api;
    }

    public Task<ServiceProcess> StartWorkerAsync(string? model = null) =>
        StartAsync("Kgents.Streaming", "streaming", ("ConnectionStrings__llm", model ?? settings.Model ?? Model.ConnectionString));

    public Task<ServiceProcess> StartMeteringAsync(string? openMeter = null) =>
        StartAsync("Kgents.Metering", "metering", ("ConnectionStrings__openmeter", openMeter ?? settings.OpenMeter ?? OpenMeter.ConnectionString));

    /// <summary>A client of <see cref="Api"/> with a key of its own, or none.</summary>
    public KgentsClient Connect(string? key)
    {
        var client = new KgentsClient(Api.Address, key);
        clients.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }

        await services.DisposeAsync();
        await Store.DisposeAsync();
        await OpenMeter.DisposeAsync();
        await Model.DisposeAsync();
        await Nats.DisposeAsync();
    }

    private Task<ServiceProcess> StartAsync(string project, string resource, params (string Name, string? Value)[] own)
    {
        var environment = new Dictionary<string, string?>(settings.Environment)
        {
            // In a hurry, and without the probe, whose events no test has asked for.
            ["Metering__Export__BatchWait"] = "00:00:00.100",
            ["Metering__Confirm__Interval"] = "00:00:00.100",
            ["Metering__Confirm__VisibleWithin"] = "00:00:01",
            ["Metering__Confirm__Probe"] = "false",
            ["Metering__Ledger__Lease"] = "00:00:05",
            ["ConnectionStrings__nats"] = NatsConnectionString,
            ["OTEL_SERVICE_NAME"] = resource,
            ["Plans__Default"] = "custom",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
        };
        foreach (var (name, value) in own)
        {
            environment[name] = value;
        }

        return services.StartAsync(project, environment);
    }
}
