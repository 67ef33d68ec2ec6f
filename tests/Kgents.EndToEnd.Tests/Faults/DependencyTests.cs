using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kgents.EndToEnd.Tests.Systems;
using Kgents.EndToEnd.Tests.Talk;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Faults;

/// <summary>The table "When something is away" of docs/operations.md: each row is made true, and looked at from outside.</summary>
[TakesSeconds(50)]
public sealed class DependencyTests : IAsyncLifetime
{
    private const string Key = "what-the-operator-knows-of";
    private const string Nothing = "–";

    private readonly HttpClient http = new() { DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Key) } };
    private OtlpReceiver collector = null!;
    private KgentsSystem system = null!;
    private string session = null!;

    public static TheoryData<string> Away => [.. Rows().Select(row => row[0])];

    public async ValueTask InitializeAsync()
    {
        collector = await OtlpReceiver.StartAsync(TestContext.Current.CancellationToken);
        system = await KgentsSystem.StartAsync(new SystemSettings { Environment = new Dictionary<string, string?>(collector.Environment) { ["Health__Key"] = Key, ["Nats__CheckInterval"] = "00:00:00.500", ["Metering__Ledger__Lease"] = "00:00:03" } });
        session = await system.Client.CreateSessionAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await system.DisposeAsync();
        await collector.DisposeAsync();
        http.Dispose();
    }

    [Theory(Timeout = Limits.Milliseconds)]
    [MemberData(nameof(Away))]
    public async Task Services_AreAsTheTableSays_AndWellAgainAfterwards(string away)
    {
        var row = Rows().Single(row => row[0] == away);
        Assert.Equal(["healthy", "healthy", "healthy"], await StatesAsync(["", "", ""]));

        string[] expected = [row[1], row[2], row[3]];
        var mend = await TakeAwayAsync(away);
        await Eventually.TrueAsync(async () => (await StatesAsync(expected)).SequenceEqual(expected));
        await mend();

        await Eventually.TrueAsync(async () => (await StatesAsync(["", "", ""])).All(state => state == "healthy"));
        Assert.Equal("complete", (await system.Client.SayAsync(await system.Client.CreateSessionAsync(), "And now?")).Terminal().Event);
    }

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Anonymous_IsToldTheStateAndTheCheck_AndNoMore()
    {
        system.OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
        await system.Client.SayAsync(session, "Count me.");
        await Eventually.TrueAsync(async () => (await StatesAsync(["", "", ""]))[2] == "degraded");

        using var anonymous = new HttpClient { BaseAddress = system.Metering.Address };
        foreach (var (path, expected) in new[] { ("/health", "Degraded\nopenmeter\n"), ("/health/ready", "Degraded\nopenmeter\n"), ("/health/live", "Healthy\n"), ("/alive", "Healthy\n") })
        {
            Assert.Equal((path, expected), (path, await anonymous.GetStringAsync(path, TestContext.Current.CancellationToken)));
        }

        var openMeter = (await HealthAsync(system.Metering)).GetProperty("checks").GetProperty("openmeter");
        Assert.Contains("503", openMeter.Text("description"), StringComparison.Ordinal);
        var streams = (await HealthAsync(system.Metering)).GetProperty("checks").GetProperty("streams");
        Assert.True(streams.GetProperty("KGENTS_USAGE").GetProperty("messages").GetInt64() >= 1);
    }

    private static IReadOnlyList<string[]> Rows()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "operations.md"));
        var rows = lines.SkipWhile(line => line != "## When something is away").SkipWhile(line => !line.StartsWith('|')).TakeWhile(line => line.StartsWith('|')).Skip(2);
        return [.. rows.Select(row => row.Trim('|').Split('|').Select(cell => cell.Trim().Trim('`')).ToArray())];
    }

    /// <summary>Takes it away, does what makes it felt, looks at what the row says of clients, and returns what brings it back.</summary>
    private async Task<Func<Task>> TakeAwayAsync(string away)
    {
        var token = TestContext.Current.CancellationToken;
        switch (away)
        {
            case "NATS":
                await system.Nats.KillAsync(token);
                await Eventually.TrueAsync(async () => (int)(await system.Client.PostAsync(session, new { message = "Hello?" })).StatusCode == 503);
                return () => system.Nats.RestartAsync(token);
            case "the model":
                system.Model.DefaultScript = new ModelScript(new ModelStep.Status(401, "no"));
                Assert.Equal("model_refused_credentials", (await system.Client.SayAsync(session, "Hello?")).Terminal().Json.Text("code"));
                return async () =>
                {
                    system.Model.DefaultScript = ModelScript.Reply("Here I am.");
                    await system.Client.SayAsync(session, "Hello?");
                };
            case "OpenMeter":
                system.OpenMeter.Rule = () => new OpenMeterFault(RequestFault.Refused, 503);
                Assert.Equal("complete", (await system.Client.SayAsync(session, "Count me.")).Terminal().Event);
                return async () =>
                {
                    system.OpenMeter.Rule = null;
                    await system.Store.UsageExportedAsync();
                };
            case "every worker":
                await Assert.Single(system.Workers).KillAsync(token);
                var waiting = await system.Client.FollowAsync(session, "Who answers?");
                return async () =>
                {
                    await system.StartWorkerAsync();
                    Assert.Equal("complete", (await waiting.ReadToEndAsync())[^1].Event);
                    await waiting.DisposeAsync();
                };
            case "Metering":
                await system.Metering.KillAsync(token);
                Assert.Equal("complete", (await system.Client.SayAsync(session, "Count me later.")).Terminal().Event);
                return async () =>
                {
                    await system.StartMeteringAsync();
                    await system.Store.UsageExportedAsync();
                };
            case "the API":
                await system.Api.KillAsync(token);
                return () => system.StartApiAsync();
            case "the collector of telemetry":
                await collector.DisposeAsync();
                Assert.Equal("complete", (await system.Client.SayAsync(session, "Does anybody watch?")).Terminal().Event);
                return () => Task.CompletedTask;
            default:
                throw new InvalidOperationException($"Nobody knows how to take {away} away.");
        }
    }

    /// <param name="expected">A service that is expected to be nothing is not asked.</param>
    private async Task<string[]> StatesAsync(string[] expected)
    {
        var processes = new[] { system.Api, system.Workers[^1], system.Metering };
        var states = new string[processes.Length];
        for (var index = 0; index < processes.Length; index++)
        {
            states[index] = expected[index] == Nothing ? Nothing : (await HealthAsync(processes[index])).Text("status");
        }

        return states;
    }

    private async Task<JsonElement> HealthAsync(ServiceProcess process)
    {
        using var response = await http.GetAsync(new Uri(process.Address, "/health"), TestContext.Current.CancellationToken);
        return await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
    }
}
