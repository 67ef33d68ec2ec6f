using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Chaos;

/// <summary>Two of the API, two workers, two of metering and NATS, all as processes; a model and an OpenMeter that do much wrong; and two tenants.</summary>
internal sealed class ChaosSystem : IAsyncDisposable
{
    private ChaosSystem(ChaosNats nats, ScriptedModelServer model, OpenMeterStandIn openMeter, ChaosSettings settings)
    {
        Nats = nats;
        Model = model;
        OpenMeter = openMeter;
        Store = nats.OpenStore();
        var key = ApiKey.New().Text;
        Operator = new ChaosTenant("default", key);
        OpenMeterFaults = new OpenMeterChaos(settings.RandomOf("OpenMeter").Next(), doubles: true, claims: true);
        (openMeter.Deduplicate, openMeter.VisibleAfter, openMeter.IsPoison) = (false, TimeSpan.FromSeconds(0.5), new Poison().Is);
        (openMeter.Rule, openMeter.Fate) = (OpenMeterFaults.Next, OpenMeterFaults.FateOf);
        Apis = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Api", NatsUsers.Api, ("Auth__BootstrapKey", key)))];
        Workers = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Streaming", NatsUsers.Streaming, ("ConnectionStrings__llm", model.ConnectionStringOf(settings.Provider))))];
        Meters = [.. Enumerable.Range(0, 2).Select(_ => Create("Kgents.Metering", NatsUsers.Metering, ("ConnectionStrings__openmeter", openMeter.ConnectionString)))];
    }

    /// <summary>Of usage.</summary>
    public const int Partitions = 2;

    /// <summary>That a post may ask for.</summary>
    public static IReadOnlyList<string> Models { get; } = ["scripted-1", "scripted-2"];

    public ChaosNats Nats { get; }

    public ScriptedModelServer Model { get; }

    public OpenMeterStandIn OpenMeter { get; }

    public OpenMeterChaos OpenMeterFaults { get; }

    public Store Store { get; }

    public IReadOnlyList<Replica> Apis { get; }

    public IReadOnlyList<Replica> Workers { get; }

    public IReadOnlyList<Replica> Meters { get; }

    public IEnumerable<Replica> Replicas => [.. Apis, .. Workers, .. Meters];

    /// <summary>What a command of metering has to know.</summary>
    public IReadOnlyDictionary<string, string?> CommandEnvironment => EnvironmentOf(NatsUsers.Metering, ("ConnectionStrings__openmeter", OpenMeter.ConnectionString));

    /// <summary>Those that talk.</summary>
    public IReadOnlyList<ChaosTenant> Tenants { get; private set; } = [];

    /// <summary>The operator's own, which has made the others.</summary>
    public ChaosTenant Operator { get; }

    public static async Task<ChaosSystem> StartAsync(Task<ChaosNats> nats, ChaosSettings settings, CancellationToken cancellationToken)
    {
        var system = new ChaosSystem(await nats, await ScriptedModelServer.StartAsync(cancellationToken), await OpenMeterStandIn.StartAsync(cancellationToken), settings);
        try
        {
            await Task.WhenAll(system.Replicas.Select(replica => replica.StartAsync(cancellationToken)));
            await Task.WhenAll(system.Replicas.Select(replica => replica.Process.WaitForReadyAsync(cancellationToken)));
            system.Tenants = [await system.CreateTenantAsync("acme", cancellationToken), await system.CreateTenantAsync("globex", cancellationToken)];
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>OpenMeter works again, and has forgotten which ids it took for known, but for one. What it refuses it goes on to refuse.</summary>
    public void MendOpenMeter()
    {
        (OpenMeter.Rule, OpenMeter.Fate) = (null, OpenMeterFaults.FateOfClaimed);
        OpenMeter.ForgetClaims();
    }

    /// <summary>As if it were restored from a copy that lacks them. Of its older half, which is confirmed for the most part; what it doubled it keeps, so that a run has that.</summary>
    /// <returns>How many it lost.</returns>
    public int LoseShown(Random random, int most)
    {
        var rows = OpenMeter.AcceptedEvents;
        IReadOnlyList<string> lost = [.. Enumerable.Range(0, rows.Count < 20 ? 0 : most).Select(_ => rows[random.Next(rows.Count / 2)].Text("id")).Distinct().Where(id => !OpenMeterFaults.Doubled.Contains(id))];
        foreach (var id in lost)
        {
            OpenMeter.Forget(id);
        }

        return lost.Count;
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        foreach (var tenant in Tenants)
        {
            tenant.Dispose();
        }

        await Task.WhenAll(Replicas.Select(replica => replica.DisposeAsync().AsTask()));
        await Store.DisposeAsync();
        await Model.DisposeAsync();
        await OpenMeter.DisposeAsync();
        await Nats.DisposeAsync();
    }

    private async Task<ChaosTenant> CreateTenantAsync(string id, CancellationToken cancellationToken)
    {
        using var created = await Operator.Http.PostAsJsonAsync(new Uri(Apis[0].Address, "/v1/admin/tenants"), new { id, name = id, plan = "custom" }, cancellationToken);
        created.EnsureSuccessStatusCode();
        var asked = new { name = "chaos", scopes = new[] { "read", "write", "billing" } };
        using var response = await Operator.Http.PostAsJsonAsync(new Uri(Apis[0].Address, $"/v1/admin/tenants/{id}/keys"), asked, cancellationToken);
        return new ChaosTenant(id, (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).Text("key"));
    }

    private Replica Create(string project, string user, (string Name, string Value) own) => new(project, EnvironmentOf(user, own));

    private Dictionary<string, string?> EnvironmentOf(string user, (string Name, string Value) own) => new(Nats.Environment)
    {
        ["ConnectionStrings__nats"] = Nats.UrlOf(user),
        ["Logging__LogLevel__Default"] = "Warning",

        // Each with a ledger of its own, and which replica has which changes with every death.
        ["Nats__Partitions"] = $"{Partitions}",

        // Shorter than by default, so that a short run sees many take-overs.
        ["Turns__AckWait"] = "00:00:02",
        ["Turns__DrainTimeout"] = "00:00:01",

        ["Model__Allowed"] = string.Join(',', Models),
        ["Model__MaxOutputTokens"] = "400",
        ["Model__IdleTimeout"] = "00:00:03",

        // In a hurry, and without the probe, whose events nobody has asked for. What OpenMeter may take to show an event is more than it ever takes.
        ["Metering__Ledger__Lease"] = "00:00:03",
        ["Metering__Ledger__PollInterval"] = "00:00:00.100",
        ["Metering__Export__BatchSize"] = "20",
        ["Metering__Export__BatchWait"] = "00:00:00.100",
        ["Metering__Export__RequestTimeout"] = "00:00:02",
        ["Metering__Export__RetryDelay"] = "00:00:00.050",
        ["Metering__Export__LongestRetryDelay"] = "00:00:01",
        ["Metering__Confirm__Interval"] = "00:00:00.200",
        ["Metering__Confirm__VisibleWithin"] = "00:00:06",
        ["Metering__Confirm__MissingAfter"] = "00:00:06",
        ["Metering__Confirm__Probe"] = "false",
        ["Metering__Reconcile__Interval"] = "00:00:03",
        [own.Name] = own.Value,
    };
}
