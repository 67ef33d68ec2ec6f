using System.Text.RegularExpressions;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>What is pulled tomorrow is what was pulled today.</summary>
public sealed partial class ImageTests
{
    /// <summary>Of this repository: built by whoever deploys them, under the tag that he names.</summary>
    private const string OwnPrefix = "kgents-";

    /// <summary>Of deploy/k8s/operations/command.yaml, where whoever runs a command puts one of them in.</summary>
    private const string Placeholder = "IMAGE";

    [Fact]
    public void EveryImage_IsOfAnExactVersion()
    {
        var images = Directory.EnumerateFiles(Yaml.PathOf(), "*.yaml", SearchOption.AllDirectories)
            .SelectMany(file => Image.Matches(File.ReadAllText(file)).Select(match => (File: Path.GetRelativePath(Yaml.PathOf(), file), Name: match.Groups[1].Value)))
            .Where(image => !image.Name.StartsWith(OwnPrefix, StringComparison.Ordinal) && image.Name != Placeholder)
            .ToList();

        Assert.True(images.Count >= 7, "The files say otherwise what they run.");
        Assert.All(images, image => Assert.Matches(ExactVersion, image.Name));
        Assert.Matches(ExactVersion, $"nats:{Yaml.ReadOne("nats", "values.yaml").Text("container", "image", "tag")}");
    }

    /// <summary>The AppHost's tests cannot read compose's files, and are not run on every machine.</summary>
    [Fact]
    public void AppHostsOpenMeter_IsThatOfTheComposeFile()
    {
        var appHost = File.ReadAllText(Path.Combine(Repository.Root, "Kgents.AppHost", "OpenMeterContainers.cs"));
        var services = Yaml.ReadOne("openmeter", "compose.yaml").At("services");
        var containers = Container.Matches(appHost).Select(match => $"{match.Groups[1].Value}:{match.Groups[2].Value}").Order(StringComparer.Ordinal);

        Assert.Equal(services.EnumerateObject().Select(service => service.Value.Text("image").Split('@')[0]).Distinct().Order(StringComparer.Ordinal), containers);
        var variables = services.EnumerateObject()
            .Where(service => service.Value.TryGetProperty("environment", out _))
            .SelectMany(service => service.Value.At("environment").EnumerateObject())
            .Select(variable => (variable.Name, Value: variable.Value.ToString()))
            .Order()
            .ToList();
        Assert.NotEmpty(variables);
        Assert.Equal(variables, Variable.Matches(appHost).Select(match => (match.Groups[1].Value, match.Groups[2].Value)).Order());
        Assert.Equal(Words(services.Text("redis", "command")), RedisArguments.Match(appHost).Groups[1].Value.Split(", ").Select(word => word.Trim('"')));
        Assert.All(
            services.EnumerateObject().SelectMany(service => service.Value.At("volumes").EnumerateArray()).Select(volume => volume.ToString().Split(':')).Where(volume => !volume[0].StartsWith('.')),
            volume => Assert.Contains($".WithDataVolume(\"{volume[1]}\")", appHost, StringComparison.Ordinal));
    }

    /// <summary>It must outlive every outage: what it forgot is counted again when it comes again.</summary>
    [Fact]
    public void OpenMetersSink_RemembersWhatItCounted_For32Days()
    {
        var configuration = Yaml.ReadOne("openmeter", "config.yaml");
        var deduplication = configuration.At("sink", "dedupe");

        Assert.Equal(("true", "redis"), (deduplication.Text("enabled").ToLowerInvariant(), deduplication.Text("driver")));
        Assert.Equal(("keyhash", $"{TimeSpan.FromDays(32).TotalHours}h"), (deduplication.Text("config", "mode"), deduplication.Text("config", "expiration")));
        Assert.Equal("false", configuration.Text("dedupe", "enabled").ToLowerInvariant());
    }

    private static string[] Words(string command) => command.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A digest, or a tag of three numbers, or of two with the release of the distribution.</summary>
    [GeneratedRegex(@"^[^:@\s]+:v?\d+\.\d+(\.\d+[-.\w]*|-[a-z]+\d+\.\d+)(@sha256:[0-9a-f]{64})?$")]
    private static partial Regex ExactVersion { get; }

    [GeneratedRegex(@"^\s*-?\s*image: ['""]?([^\s'""]+)", RegexOptions.Multiline)]
    private static partial Regex Image { get; }

    [GeneratedRegex("""AddContainer\([^,]+, "([^"]+)", "([^"]+)"\)""")]
    private static partial Regex Container { get; }

    [GeneratedRegex("""WithEnvironment\("([^"]+)", "([^"]*)"\)""")]
    private static partial Regex Variable { get; }

    [GeneratedRegex("""WithArgs\(("redis-server"[^)]*)\)""")]
    private static partial Regex RedisArguments { get; }
}
