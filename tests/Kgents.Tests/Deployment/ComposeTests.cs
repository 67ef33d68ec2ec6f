using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>deploy/compose.yaml against the programs: what it gives them is what they start with.</summary>
public sealed partial class ComposeTests
{
    private static readonly string[] Services = ["api", "streaming", "metering"];
    private static readonly string[] Programs = [.. Services, "operations"];

    private readonly JsonElement compose = Yaml.ReadOne("compose.yaml");

    [Fact]
    public void EveryVariable_IsASettingOfTheServices()
    {
        foreach (var service in Programs)
        {
            Assert.All(Service(service).At("environment").Names(), variable => Assert.True(KnownSettings.Has(variable), $"{service}: {variable} is not in docs/configuration.md"));
        }
    }

    /// <summary>With what is set when nobody has said anything but the passwords: each becomes ready, as the user that it is given.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task EveryService_BecomesReady_WithItsEnvironment()
    {
        var users = new NatsUsers();
        await using var nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users }, TestContext.Current.CancellationToken);
        foreach (var service in Services)
        {
            await using var process = await ServiceProcess.StartAsync($"Kgents.{char.ToUpperInvariant(service[0])}{service[1..]}", Environment(service, users, nats), TestContext.Current.CancellationToken);
            await process.WaitForReadyAsync(TestContext.Current.CancellationToken);
        }

        Assert.Empty(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>What an operator asks there is asked with the settings of the services, as the user that may.</summary>
    [Fact(Timeout = Limits.Test)]
    public async Task Operations_FindTheStreamsAsTheServicesHaveThem()
    {
        var users = new NatsUsers();
        await using var nats = await NatsServer.StartAsync(new NatsServerSettings { Users = users }, TestContext.Current.CancellationToken);
        await using var api = await ServiceProcess.StartAsync("Kgents.Api", Environment("api", users, nats), TestContext.Current.CancellationToken);
        await api.WaitForReadyAsync(TestContext.Current.CancellationToken);

        var (exitCode, output, _) = await DotnetCommand.RunProgramAsync("Kgents.Operations", Environment("operations", users, nats), "streams", "show");

        Assert.Equal(0, exitCode);
        Assert.Contains("All that is there is as the settings say.", output, StringComparison.Ordinal);
        Assert.Contains("operations", Service("operations").At("profiles").EnumerateArray().Select(profile => profile.GetString()));
        Assert.Empty(await nats.ReadViolationsAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Images_AreThoseThatThePublishedProjectsAreCalled() =>
        Assert.All(Programs, service => Assert.Equal($"kgents-{service}:${{KGENTS_TAG:-latest}}", Service(service).Text("image")));

    [Fact]
    public void Containers_CanDoNothingThatTheyNeedNot()
    {
        foreach (var service in (string[])[.. Programs, "nats"])
        {
            Assert.Equal("true", Service(service).Text("read_only").ToLowerInvariant());
            Assert.Equal(["ALL"], Service(service).At("cap_drop").EnumerateArray().Select(each => each.ToString()));
            Assert.Equal(["no-new-privileges:true"], Service(service).At("security_opt").EnumerateArray().Select(each => each.ToString()));
        }

        // To this machine only: the API speaks plain HTTP.
        Assert.All(
            compose.At("services").EnumerateObject().Where(service => service.Value.TryGetProperty("ports", out _)).SelectMany(service => service.Value.At("ports").EnumerateArray()),
            port => Assert.StartsWith("127.0.0.1:", port.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void GracePeriod_IsLongerThanTheDrain() => Assert.All(Programs, service => Assert.True(Seconds(Service(service).Text("stop_grace_period")) > GracePeriods.Longest.TotalSeconds));

    [Fact]
    public void NatsServer_HasThePasswordOfEachUser() => Assert.Equal(
        new NatsUsers().Environment.Keys.Order(StringComparer.Ordinal), Service("nats").At("environment").Names().Order(StringComparer.Ordinal));

    private Dictionary<string, string?> Environment(string service, NatsUsers users, NatsServer nats) => Service(service).At("environment").EnumerateObject().ToDictionary(
        variable => variable.Name,
        variable => (string?)Substitute(variable.Value.ToString(), users.Environment).Replace("@nats:4222", $"@127.0.0.1:{nats.Port}", StringComparison.Ordinal));

    private JsonElement Service(string name) => compose.At("services", name);

    private static int Seconds(string duration) => int.Parse(duration.AsSpan(0, duration.Length - 1));

    /// <summary>As compose does: the value, else what follows <c>:-</c>.</summary>
    private static string Substitute(string value, IReadOnlyDictionary<string, string> environment) =>
        Variable.Replace(value, variable => environment.TryGetValue(variable.Groups[1].Value, out var known) ? known : variable.Groups[2].Value);

    [GeneratedRegex(@"\$\{(\w+)(?::-([^}]*))?\}")]
    private static partial Regex Variable { get; }
}
