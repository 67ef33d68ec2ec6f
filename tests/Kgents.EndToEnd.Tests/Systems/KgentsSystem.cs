using System.Collections.Concurrent;
using Kgents.Contracts;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Systems;

/// <summary>
/// A real nats-server with the shipped users, the three services as real processes with the environment that Aspire gives them, and stand-ins for
/// what is outside. Nothing that a service does may need a right that its user does not have: the end of each system says so.
/// </summary>
public sealed class KgentsSystem : IAsyncDisposable
{
    private readonly SystemSettings settings;
    private readonly Services services = new();
    private readonly ConcurrentBag<KgentsClient> clients = [];

    private KgentsSystem(SystemSettings settings, NatsServer nats, NatsUsers users, ScriptedModelServer model, OpenMeterStandIn openMeter)
    {
        this.settings = settings;
        Nats = nats;
        NatsUsers = users;
        Model = model;
        OpenMeter = openMeter;
        Store = new Store(users.UrlOf(NatsUsers.Operator, nats.Port));
    }

    public NatsServer Nats { get; }

    public NatsUsers NatsUsers { get; }

    public ScriptedModelServer Model { get; }

    public OpenMeterStandIn OpenMeter { get; }

    /// <summary>Of models that OpenMeter was told to bill; beside them it is told of turns and of requests.</summary>
    public int BilledCalls => OpenMeter.AcceptedEvents.Count(usage => usage.GetProperty("type").ValueEquals(UsageEvent.BillableType));

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

    public static async Task<KgentsSystem> StartAsync(SystemSettings? settings = null)
    {
        var token = TestContext.Current.CancellationToken;
        var users = new NatsUsers();
        var nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users, Store = settings?.Store }, token);
        var system = new KgentsSystem(
            settings ?? new SystemSettings(), nats, users, await ScriptedModelServer.StartAsync(token), await OpenMeterStandIn.StartAsync(token));
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
        Api = await StartAsync("Kgents.Api", NatsUsers.Api, [("Auth__BootstrapKey", Key), .. own]);
        Client = Connect(Key);
        await Client.WaitUntilKnownAsync();
        return Api;
    }

    public Task<ServiceProcess> StartWorkerAsync(string? model = null) =>
        StartAsync("Kgents.Streaming", NatsUsers.Streaming, ("ConnectionStrings__llm", model ?? settings.Model ?? Model.ConnectionString));

    public Task<ServiceProcess> StartMeteringAsync(string? openMeter = null) =>
        StartAsync("Kgents.Metering", NatsUsers.Metering, ("ConnectionStrings__openmeter", openMeter ?? settings.OpenMeter ?? OpenMeter.ConnectionString));

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
        var violations = await Nats.ReadViolationsButLateAnswersAsync();
        await Nats.DisposeAsync();
        Assert.True(violations.Count == 0, string.Join("\n", violations));
    }

    private Task<ServiceProcess> StartAsync(string project, string user, params (string Name, string? Value)[] own)
    {
        var environment = new Dictionary<string, string?>
        {
            // In a hurry, and without the probe, whose events no test has asked for.
            ["Metering__Export__BatchWait"] = "00:00:00.100",
            ["Metering__Confirm__Interval"] = "00:00:00.100",
            ["Metering__Confirm__VisibleWithin"] = "00:00:01",
            ["Metering__Confirm__Probe"] = "false",
            ["Metering__Ledger__Lease"] = "00:00:05",
            ["ConnectionStrings__nats"] = NatsUsers.UrlOf(user, Nats.Port),
            ["OTEL_SERVICE_NAME"] = user,
            ["Plans__Default"] = "custom",
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
        };
        foreach (var (name, value) in settings.Environment.Concat(own.Select(each => KeyValuePair.Create(each.Name, each.Value))))
        {
            environment[name] = value;
        }

        return services.StartAsync(project, environment);
    }
}
