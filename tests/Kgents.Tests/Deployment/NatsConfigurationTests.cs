using System.Text.RegularExpressions;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>A server starts with each configuration of <c>deploy/nats</c>, and the chart's values say what the cluster's file says.</summary>
public sealed partial class NatsConfigurationTests
{
    /// <summary>Included by others, and nothing alone.</summary>
    private static readonly string[] Parts = ["users.conf"];

    public static TheoryData<string> Files =>
        [.. Directory.EnumerateFiles(Yaml.PathOf("nats"), "*.conf").Select(file => Path.GetFileName(file)).Except(Parts).Order(StringComparer.Ordinal)];

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Files))]
    public async Task Server_TakesTheFile(string file)
    {
        using var certificate = new SelfSignedCertificate("localhost");

        var (isValid, text) = await NatsConfiguration.CheckAsync(Yaml.PathOf("nats", file), Environment(certificate), TestContext.Current.CancellationToken);

        Assert.True(isValid, text);
    }

    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Files))]
    public void EveryServer_SyncsBeforeItAcknowledges(string file) =>
        Assert.Contains("sync_interval: always", Whole(Yaml.PathOf("nats", file)), StringComparison.Ordinal);

    [Fact(Timeout = Limits.Test)]
    public async Task ClusterNode_DoesNotStart_WithoutWhatItNeeds()
    {
        using var certificate = new SelfSignedCertificate("localhost");
        var environment = new Dictionary<string, string>(Environment(certificate));
        foreach (var name in environment.Keys.Where(name => !name.EndsWith("OPERATOR", StringComparison.Ordinal)).ToList())
        {
            var (isValid, text) = await NatsConfiguration.CheckAsync(
                Yaml.PathOf("nats", "cluster.conf"), environment.Where(each => each.Key != name).ToDictionary(), TestContext.Current.CancellationToken);

            Assert.False(isValid, $"It starts without {name}.");
            Assert.Contains(name, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ChartsValues_SayWhatTheClustersFileSays()
    {
        var values = Yaml.ReadOne("nats", "values.yaml");
        var config = values.At("config");

        Assert.Equal("3", config.Text("cluster", "replicas"));
        Assert.Equal("always", config.Text("jetstream", "merge", "sync_interval"));
        Assert.Equal(("true", "true", "true"), (config.Text("cluster", "tls", "merge", "verify").ToLowerInvariant(), config.Text("cluster", "tls", "enabled").ToLowerInvariant(), config.Text("nats", "tls", "enabled").ToLowerInvariant()));
        Assert.Equal("users.conf", config.Text("merge", "00$include"));
        Assert.True(Gibibytes(config.Text("jetstream", "fileStore", "maxSize")) < Gibibytes(config.Text("jetstream", "fileStore", "pvc", "size")));

        // The server's environment has what users.conf asks for.
        var asked = Variable.Matches(File.ReadAllText(NatsUsers.File)).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal);
        Assert.Equal(asked, values.At("container", "env").Names().Where(name => name.StartsWith("KGENTS", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    /// <summary>A node that is told to stop must have handed over before it is killed.</summary>
    [Fact]
    public void ChartsGracePeriod_IsLongerThanTheLameDuck()
    {
        var lameDuck = LameDuck.Match(File.ReadAllText(Yaml.PathOf("nats", "cluster.conf")));

        Assert.True(Yaml.ReadOne("nats", "values.yaml").At("podTemplate", "merge", "spec", "terminationGracePeriodSeconds").GetInt32() > int.Parse(lameDuck.Groups[1].Value));
    }

    private static Dictionary<string, string> Environment(SelfSignedCertificate certificate) => new(new NatsUsers().Environment)
    {
        ["KGENTS_NATS_NODE"] = "nats-0",
        ["KGENTS_NATS_CLUSTER_LISTEN"] = "0.0.0.0:6222",
        ["KGENTS_NATS_ROUTES"] = "[nats://nats-0:6222, nats://nats-1:6222, nats://nats-2:6222]",
        ["KGENTS_NATS_STORE"] = "/data/jetstream",
        ["KGENTS_NATS_STORE_SIZE"] = "80GB",
        ["KGENTS_NATS_CERT"] = certificate.CertificateFile,
        ["KGENTS_NATS_KEY"] = certificate.KeyFile,
        ["KGENTS_NATS_CA"] = certificate.CertificateFile,
    };

    /// <summary>With what it includes.</summary>
    private static string Whole(string file) => Include.Replace(File.ReadAllText(file), include => Whole(Path.Combine(Path.GetDirectoryName(file)!, include.Groups[1].Value)));

    private static int Gibibytes(string size) => int.Parse(size.AsSpan(0, size.IndexOf("Gi", StringComparison.Ordinal)));

    [GeneratedRegex(@"^\s*include (\S+)$", RegexOptions.Multiline)]
    private static partial Regex Include { get; }

    [GeneratedRegex(@"password: \$(\w+)")]
    private static partial Regex Variable { get; }

    [GeneratedRegex(@"lame_duck_duration: (\d+)s")]
    private static partial Regex LameDuck { get; }
}
