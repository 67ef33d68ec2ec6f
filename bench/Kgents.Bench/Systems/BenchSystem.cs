using Kgents.Bench.Model;
using Kgents.Testing;

namespace Kgents.Bench.Systems;

/// <summary>A nats-server with the shipped settings, services as processes, and a model. Each figure has its own, so that none inherits another's garbage.</summary>
internal sealed class BenchSystem : IAsyncDisposable
{
    /// <summary>More turns at once than any figure runs: one worker holds them all.</summary>
    private const string Slots = "128";

    /// <summary>More streams than any figure opens.</summary>
    private const string StreamsPerTenant = "100000";

    public static readonly string Key = $"kg_bench_{new string('0', 43)}";
    private readonly List<ServiceProcess> processes = [];
    private readonly List<BenchClient> clients = [];

    private BenchSystem(NatsServer nats, BenchModel model)
    {
        Nats = nats;
        Model = model;
    }

    public NatsServer Nats { get; }

    public BenchModel Model { get; }

    public static async Task<BenchSystem> StartAsync(CancellationToken cancellationToken) =>
        new(await NatsServer.StartAsync(new NatsServerSettings { InMemory = false }, cancellationToken), await BenchModel.StartAsync(cancellationToken));

    public async Task<BenchClient> StartApiAsync(CancellationToken cancellationToken) =>
        await ConnectAsync(await StartAsync("Kgents.Api", ("Auth__BootstrapKey", Key), cancellationToken), cancellationToken);

    public async Task<BenchClient> ConnectAsync(ServiceProcess api, CancellationToken cancellationToken)
    {
        var client = new BenchClient(api, Key);
        clients.Add(client);
        await client.WaitUntilKnownAsync(cancellationToken);
        return client;
    }

    public Task<ServiceProcess> StartWorkerAsync(CancellationToken cancellationToken) =>
        StartAsync("Kgents.Streaming", ("ConnectionStrings__llm", Model.ConnectionString), cancellationToken);

    /// <summary>A service as it is without settings of its own.</summary>
    public Task<ServiceProcess> StartAsync(string project, CancellationToken cancellationToken) => project switch
    {
        "Kgents.Streaming" => StartWorkerAsync(cancellationToken),
        _ => StartAsync(project, ("Auth__BootstrapKey", Key), cancellationToken),
    };

    /// <summary>In a hurry to try again, since how long it waits is no figure.</summary>
    public async Task<ServiceProcess> StartMeteringAsync(string openMeter, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?>
        {
            ["ConnectionStrings__nats"] = Nats.Url,
            ["ConnectionStrings__openmeter"] = openMeter,
            ["Metering__Export__LongestRetryDelay"] = "00:00:01",
            ["Metering__Confirm__Probe"] = "false",
        };
        var process = await ServiceProcess.StartAsync("Kgents.Metering", environment, cancellationToken);
        processes.Add(process);
        await process.WaitForReadyAsync(cancellationToken);
        return process;
    }

    public async Task StopMeteringAsync(ServiceProcess metering)
    {
        processes.Remove(metering);
        await metering.DisposeAsync();
    }

    /// <summary>A process of this program that is a server; it ends with the system.</summary>
    public async Task<ServiceProcess> StartChildAsync(string server, IReadOnlyList<string> arguments, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        var start = new System.Diagnostics.ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Kgents.Bench.dll"), "serve", server, .. arguments]);
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["DOTNET_gcServer"] = "1";
        start.Environment["DOTNET_gcConcurrent"] = "1";
        start.Environment["ConnectionStrings__nats"] = Nats.Url;
        start.Environment["Auth__BootstrapKey"] = Key;
        start.Environment["Turns__Stream__MaxPerTenant"] = StreamsPerTenant;
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var process = await ServiceProcess.StartAsync(server, start, cancellationToken);
        processes.Add(process);
        return process;
    }

    /// <summary>Processor time so far of each kind of process, this one as <c>bench</c>.</summary>
    public IReadOnlyDictionary<string, double> Cpu() => processes
        .Select(process => (Name: process.Project, process.ProcessId))
        .Append(("nats-server", Nats.ProcessId))
        .Append(("bench", Environment.ProcessId))
        .GroupBy(process => process.Item1, process => ProcessMeter.Cpu(process.Item2).TotalSeconds)
        .ToDictionary(group => group.Key, group => group.Sum());

    /// <summary>Ends all processes but the nats-server, so that a floor has the machine for itself.</summary>
    public async Task StopServicesAsync()
    {
        await Task.WhenAll(processes.Select(process => process.DisposeAsync().AsTask()));
        processes.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in clients)
        {
            client.Dispose();
        }

        await StopServicesAsync();
        await Model.DisposeAsync();
        await Nats.DisposeAsync();
    }

    private async Task<ServiceProcess> StartAsync(string project, (string Name, string Value) own, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?> { ["ConnectionStrings__nats"] = Nats.Url, ["Turns__Slots"] = Slots, ["Turns__Stream__MaxPerTenant"] = StreamsPerTenant, [own.Name] = own.Value };
        var process = await ServiceProcess.StartAsync(project, environment, cancellationToken);
        processes.Add(process);
        await process.WaitForReadyAsync(cancellationToken);
        return process;
    }
}
