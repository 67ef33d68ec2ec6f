using Kgents.Testing;
using Kgents.Tests.Hosting;
using Kgents.Tests.Metering;

namespace Kgents.Tests.Rights;

/// <summary>The services beside each other, each under its own user of NATS, over a server that says what each of them does.</summary>
internal sealed class RightsSystem : IAsyncDisposable
{
    private readonly List<KgentsHost> workers = [];

    private RightsSystem(NatsServer nats, NatsUsers users, ScriptedModelServer model, OpenMeterStandIn openMeter)
    {
        (Nats, Users, Model, OpenMeter) = (nats, users, model, openMeter);
    }

    public NatsServer Nats { get; }

    public NatsUsers Users { get; }

    public ScriptedModelServer Model { get; }

    public OpenMeterStandIn OpenMeter { get; }

    public KgentsHost Api { get; private set; } = null!;

    public KgentsHost Metering { get; private set; } = null!;

    /// <summary>The operator, who may write what only a fault can have written.</summary>
    public KgentsHost Operator { get; private set; } = null!;

    public IReadOnlyList<KgentsHost> Workers => workers;

    public static async Task<RightsSystem> StartAsync(CancellationToken cancellationToken)
    {
        var users = new NatsUsers();
        var nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users, Trace = true }, cancellationToken);
        RightsSystem system = new(nats, users, await ScriptedModelServer.StartAsync(cancellationToken), await OpenMeterStandIn.StartAsync(cancellationToken));
        system.Model.DefaultScript = new ModelScript(new ModelStep.Token("one"), new ModelStep.Token(" two"), new ModelStep.Usage(3, 2));
        system.Operator = await KgentsHost.StartAsync(system.Url(NatsUsers.Operator), Parts.None);
        system.Api = await system.StartApiAsync();
        await system.StartWorkerAsync();
        await system.StartWorkerAsync();
        system.Metering = await UsageRecorder.StartMeteringAsync(system.Url(NatsUsers.Metering), system.OpenMeter, ("Webhooks:AllowedNetworks", "127.0.0.0/8"), ("Webhooks:ResetInterval", "00:00:00.100"), ("Metering:Reconcile:Interval", "00:00:00.200"));
        return system;
    }

    public string Url(string user) => Users.UrlOf(user, Nats.Port);

    /// <summary>With limits, so that there is something to count.</summary>
    public Task<KgentsHost> StartApiAsync() => KgentsHost.StartAsync(
        Url(NatsUsers.Api),
        Parts.Api,
        ("Turns:Stream:TailCheckInterval", "00:00:00.100"),
        ("Plans:Table:custom:RequestsPerMinute", "1000000"),
        ("Plans:Table:custom:RequestsPerDay", "1000000"),
        ("Plans:Table:custom:TokensPerMonth", "1000000"),
        ("Plans:Table:custom:Streams", "1000"),
        ("Quotas:RebaseInterval", "00:00:00.100"),
        ("Webhooks:AllowHttp", "true"),
        ("Usage:Requests:Enabled", "true"));

    public async Task<KgentsHost> StartWorkerAsync()
    {
        workers.Add(await KgentsHost.StartAsync(
            Url(NatsUsers.Streaming),
            Parts.Streaming,
            ("ConnectionStrings:llm", Model.ConnectionString),
            ("Turns:AckWait", "00:00:01"),
            ("Turns:DrainTimeout", "00:00:00"),
            ("Deletions:Interval", "00:00:00.050"),
            ("Deletions:PurgeAgainAfter", "00:00:00.100"),
            ("Sweep:Age", "00:00:00"),
            ("Sweep:QuotaAge", "00:00:00"),
            ("Sweep:QuotaInterval", "00:00:00.200")));
        return workers[^1];
    }

    /// <summary>Asks the API, and throws when it does not answer well.</summary>
    public async Task GetAsync(string path)
    {
        using var response = await Api.Client.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public async Task StopWorkersAsync()
    {
        foreach (var worker in workers)
        {
            await worker.DisposeAsync();
        }

        workers.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await Metering.DisposeAsync();
        await StopWorkersAsync();
        await Api.DisposeAsync();
        await Operator.DisposeAsync();
        await OpenMeter.DisposeAsync();
        await Model.DisposeAsync();
        await Nats.DisposeAsync();
    }
}
