using System.Net.Http.Json;
using System.Text.Json;
using Kgents.Api.Agentese;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kgents.Tests.Api.Agentese;

/// <summary>Every path, by every archetype, with every kind of key: one row for each path, and a path without a row fails.</summary>
public sealed class PathAccessTests : IAsyncLifetime
{
    private const string Crafts = "architect poet economist inhabitant scientist developer philosopher engineer artist teacher";
    private const string All = $"viewer {Crafts} admin";

    private static readonly Row[] Rows =
    [
        new("world.system.health", "admin", "admin", OfOperator: true),
        new("world.system.streams", "admin", "admin", OfOperator: true),
        new("world.system.lag", "admin", "admin", OfOperator: true),
        new("self.capabilities.list", "read"),
        new("self.identity.pass", "read"),
        new("self.session.manifest", "read"),
        new("self.session.witness", "read"),
        new("self.session.archive", "write"),
        new("self.soul.manifest", "read"),
        new("self.soul.witness", "read"),
        new("self.soul.reflect", "write"),
        new("self.soul.advise", "write"),
        new("self.soul.challenge", "write"),
        new("self.soul.explore", "write"),
        new("self.usage.manifest", "billing"),
        new("self.usage.forecast", "billing"),
        new("void.entropy.status", "read"),
        new("void.entropy.sip", "write"),
        new("void.entropy.pour", "write"),
        new("void.entropy.tithe", "write"),
        new("void.serendipity.tangent", "write"),
        new("time.trace.witness", "read"),
        new("time.trace.query", "read"),
        new("time.trace.replay", "read"),
        new("time.trace.diff", "read"),
        new("time.past.project", "read"),
        .. Of("world", "manifest", "read"), .. Of("world", "witness", "read"), .. Of("world", "define relate transform", "write"),
        .. Of("world", "renovate blueprint demolish design", "write", "architect"), .. Of("world", "measure", "write", "architect scientist"),
        .. Of("world", "describe metaphorize inhabit contemplate", "write", "poet"),
        .. Of("world", "appraise forecast compare trade", "write", "economist"),
        .. Of("world", "enter exit furnish repair use", "write", "inhabitant"),
        .. Of("world", "analyze experiment hypothesize", "write", "scientist"),
        .. Of("world", "build deploy debug test refactor", "write", "developer"),
        .. Of("world", "configure monitor audit provision", "write", "admin"),
        .. Of("concept", "manifest", "read"), .. Of("concept", "witness", "read"), .. Of("concept", "define relate", "write"),
        .. Of("concept", "refine dialectic synthesize analyze critique", "write", "philosopher"),
        .. Of("concept", "hypothesize classify", "write", "scientist"), .. Of("concept", "validate", "write", "scientist engineer"),
        .. Of("concept", "implement decompose optimize", "write", "engineer"),
        .. Of("concept", "interpret express transform inspire", "write", "artist"),
        .. Of("concept", "explain simplify exemplify assess", "write", "teacher"),
    ];

    private readonly List<HttpClient> clients = [];
    private NatsServer nats = null!;
    private KgentsHost host = null!;

    public async ValueTask InitializeAsync()
    {
        nats = await NatsServer.StartAsync(null, TestContext.Current.CancellationToken);
        host = await KgentsHost.StartAsync(nats.Url, Parts.Api);
    }

    public async ValueTask DisposeAsync()
    {
        clients.ForEach(client => client.Dispose());
        await host.DisposeAsync();
        await nats.DisposeAsync();
    }

    [Fact(Timeout = Limits.Test)]
    public void EveryPath_HasARow() => Assert.Equivalent(
        host.Services.GetRequiredService<NodeRegistry>().All.SelectMany(node => node.Aspects.Select(aspect => $"{node.Context}.{node.Holon ?? "thing"}.{aspect.Name}")), Rows.Select(row => row.Path), strict: true);

    [Fact(Timeout = 3 * Limits.Test)]
    public async Task EveryPath_AsksForItsArchetypeAndItsScopes()
    {
        var before = await StoredState.ReadAsync(host);
        (string[] Scopes, string Tenant)[] keys =
            [(["read"], "acme"), (["read", "write"], "acme"), (["read", "billing"], "acme"), (["read", "admin"], "acme"), (["read", "write", "admin", "billing"], "acme"), (["read", "write", "admin", "billing"], "default")];
        foreach (var (scopes, tenant) in keys)
        {
            var client = await host.NewClientAsync(tenant, scopes);
            clients.Add(client);
            foreach (var row in Rows)
            {
                foreach (var archetype in All.Split(' '))
                {
                    Assert.Equal(Expected(row, archetype, scopes, tenant), await AskAsync(client, row, archetype, scopes, tenant));
                }
            }
        }

        // Keys were made; nothing else was.
        static string WithoutKeys(string state) => string.Join('\n', state.Split('\n').Where(line => line.StartsWith("KGENTS_", StringComparison.Ordinal) || line.StartsWith("KV_", StringComparison.Ordinal)));
        Assert.Equal(WithoutKeys(before), WithoutKeys(await StoredState.ReadAsync(host)));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("viewer", "read")]
    [InlineData("viewer", "read", "billing")]
    [InlineData("developer", "read", "write")]
    [InlineData("admin", "read", "admin")]
    public async Task Archetype_IsThatOfTheKeysRole_WhenNoneIsNamed(string archetype, params string[] scopes)
    {
        using var client = await host.NewClientAsync("acme", scopes);

        var paths = await client.GetFromJsonAsync<JsonElement>("/v1/agentese/paths", TestContext.Current.CancellationToken);

        Assert.Equal(archetype, paths.GetProperty("archetype").GetString());
        var offered = paths.GetProperty("nodes").EnumerateArray().SelectMany(node => node.GetProperty("aspects").EnumerateArray().Select(aspect => $"{node.GetProperty("handle").GetString()!.Replace("{name}", "thing", StringComparison.Ordinal)}.{aspect.GetString()}"));
        Assert.Equivalent(
            Rows.Where(row => Expected(row, archetype, scopes, "acme").Outcome == "allowed").Select(row => row.Path),
            offered.Where(path => !path.EndsWith(".affordances", StringComparison.Ordinal)),
            strict: true);
    }

    /// <summary>A request names no capability, and no archetype that is none.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("""{"path":"self.soul.manifest","observer":{"archetype":"emperor"}}""", 422)]
    [InlineData("""{"path":"self.soul.manifest","observer":{"archetype":"admin","capabilities":["write"]}}""", 400)]
    [InlineData("""{"path":"self.soul.manifest","observer":"admin"}""", 400)]
    [InlineData("""{"path":"self.soul.manifest","observer":{"archetype":null}}""", 200)]
    public async Task Observer_IsWhatTheKeySays(string body, int status)
    {
        using var response = await host.Client.PostAsync("/v1/agentese/invoke", new StringContent(body, null, "application/json"), TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
    }

    private static IEnumerable<Row> Of(string context, string aspects, string scope, string archetypes = All) => aspects.Split(' ').Select(aspect => new Row($"{context}.thing.{aspect}", scope, archetypes));

    private static (string Path, string Archetype, string Scopes, string Outcome) Expected(Row row, string archetype, string[] scopes, string tenant) => (
        row.Path, archetype, string.Join(' ', scopes),
        RankOf(archetype) > (scopes.Contains("admin") ? 2 : scopes.Contains("write") ? 1 : 0) ? "403 agentese-archetype-denied"
        : !row.Archetypes.Split(' ').Contains(archetype) ? "403 agentese-affordance-denied"
        : !scopes.Contains(row.Scope) ? $"403 scope-missing {row.Scope}"
        : row.OfOperator && tenant != "default" ? "403 operator-only"
        : "allowed");

    private static int RankOf(string archetype) => archetype switch { "viewer" => 0, "admin" => 2, _ => 1 };

    /// <summary>With a value that no path takes: it is looked at last, so whoever is told of it might do all else.</summary>
    private static async Task<(string Path, string Archetype, string Scopes, string Outcome)> AskAsync(HttpClient client, Row row, string archetype, string[] scopes, string tenant)
    {
        using var response = await client.PostAsJsonAsync("/v1/agentese/invoke", new { path = row.Path, observer = new { archetype }, kwargs = new { no_such_value = 1 } }, TestContext.Current.CancellationToken);
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        var outcome = $"{(int)response.StatusCode} {problem.GetProperty("type").GetString()!.Split(':')[^1]}{(problem.TryGetProperty("scope", out var scope) ? $" {scope}" : "")}";
        return (row.Path, archetype, string.Join(' ', scopes), outcome == "422 invalid-request" && problem.GetProperty("errors").TryGetProperty("kwargs.no_such_value", out _) ? "allowed" : outcome);
    }

    private sealed record Row(string Path, string Scope, string Archetypes = All, bool OfOperator = false);
}
