using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Contracts;
using Kgents.Operations.Backup;
using Kgents.ServiceDefaults.Nats;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>The streams' limits below the store's, and that below the volume: a server refuses before its disk is full.</summary>
public sealed partial class RoomTests
{
    /// <summary>Buckets, dead letters and events of webhooks have no limit of their own.</summary>
    private const double ForLimits = 0.9;

    private static readonly StreamDefinition[] Limited = [Streams.Tokens, Streams.Messages, Streams.Usage, Streams.Ledger, Streams.Audit];

    private static readonly Dictionary<string, string> Overlay = File.ReadAllLines(Yaml.PathOf("k8s", "streams.env"))
        .Where(line => line.Length > 0 && !line.StartsWith('#')).Select(line => line.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

    private static readonly Dictionary<string, string> Compose = Yaml.ReadOne("compose.yaml").At("x-streams").EnumerateObject().ToDictionary(each => each.Name, each => each.Value.ToString());

    private static readonly JsonElement Chart = Yaml.ReadOne("nats", "values.yaml").At("config");

    [Fact]
    public void ClustersStore_HasRoomForTheStreams_AndTheVolumeForTheStore()
    {
        var store = Bytes(Chart.Text("jetstream", "fileStore", "maxSize"));
        var copiesOnANode = double.Parse(Overlay["Nats__Replicas"]) / int.Parse(Chart.Text("cluster", "replicas"));

        Assert.InRange(Sum(Overlay) * copiesOnANode, 1, store * ForLimits);
        Assert.InRange(store, 1, Bytes(Chart.Text("jetstream", "fileStore", "pvc", "size")) * 0.8);
    }

    /// <summary>A backup is of one copy of everything, and the oldest goes when the newest is whole.</summary>
    [Fact]
    public void BackupsVolume_HasRoomForThoseThatAreKept_AndOneMore()
    {
        var backup = Yaml.ReadOne("k8s", "operations", "backup.yaml");
        var keep = int.Parse(backup.Everywhere("args").Single().EnumerateArray().Last().ToString());

        Assert.InRange(Bytes(Chart.Text("jetstream", "fileStore", "maxSize")) * (keep + 1), 1, Bytes(Yaml.ReadOne("k8s", "operations", "volume.yaml").Text("spec", "resources", "requests", "storage")));

        // There is room for one try, and a run that was killed is given up by the next night (BackupRetention).
        Assert.Equal(0, backup.At("spec", "jobTemplate", "spec", "backoffLimit").GetInt32());
        Assert.InRange(backup.At("spec", "jobTemplate", "spec", "activeDeadlineSeconds").GetInt32(), 1, BackupRetention.Silence.TotalSeconds);
    }

    [Fact]
    public void ComposesStore_HasRoomForTheStreams() =>
        Assert.InRange(Sum(Compose), 1, Bytes(StoreSize.Match(File.ReadAllText(Yaml.PathOf("nats", "server.conf"))).Groups[1].Value) * ForLimits);

    /// <summary>By the streams that are made of them: a setting that is misspelt limits nothing. What is billed is refused rather than lost.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EveryStreamThatGrows_HasALimit_AndRefusesUnlessItIsTheLogOfTurns(bool inCluster)
    {
        var made = Limited.ToDictionary(stream => stream.Name, stream => StreamConfigs.Create(stream, Options(inCluster ? Overlay : Compose)));

        Assert.All(made.Values, stream => Assert.True(stream.MaxBytes > 0, stream.Name));
        Assert.Equal([Streams.Tokens.Name], made.Values.Where(stream => stream.Discard == NATS.Client.JetStream.Models.StreamConfigDiscard.Old).Select(stream => stream.Name));

        // Of others only what age bounds, and a number for each key.
        Assert.All(Streams.All.Except(Limited), stream => Assert.True(stream.MaxAge > TimeSpan.Zero && !stream.DiscardNew, stream.Name));
    }

    [Fact]
    public void Page_SaysTheSameNumbers()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "deployment.md"));

        Assert.All(
            Overlay.Keys.Where(name => name.EndsWith("MaxBytes", StringComparison.Ordinal)),
            name => Assert.Matches($@"\| `{name.Replace("__", ":", StringComparison.Ordinal)}`[^|]*\| {Gibibytes(Overlay[name])} GiB \| {Gibibytes(Compose[name])} GiB \|", page));
    }

    private static NatsTopologyOptions Options(Dictionary<string, string> settings)
    {
        var options = new NatsTopologyOptions();
        foreach (var (name, value) in settings)
        {
            var property = typeof(NatsTopologyOptions).GetProperty(name["Nats__".Length..])!;
            property.SetValue(options, Convert.ChangeType(value, property.PropertyType, null));
        }

        return options;
    }

    private static double Sum(Dictionary<string, string> settings) => settings.Where(setting => setting.Key.EndsWith("MaxBytes", StringComparison.Ordinal)).Sum(setting => double.Parse(setting.Value));

    private static long Gibibytes(string bytes) => long.Parse(bytes) >> 30;

    private static double Bytes(string size) => double.Parse(Number.Match(size).Value) * (1L << 30);

    [GeneratedRegex(@"^\d+(?=Gi$|GB$)")]
    private static partial Regex Number { get; }

    [GeneratedRegex(@"^\s*max_file_store: (\w+)$", RegexOptions.Multiline)]
    private static partial Regex StoreSize { get; }
}
