using System.Text.Json;

namespace Kgents.Tests.Deployment;

/// <summary>What is in <c>deploy/k8s</c>, but what aspirate has made there.</summary>
internal static class KubernetesFiles
{
    /// <summary>Paths below <c>deploy/k8s</c>.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        .. Directory.EnumerateFiles(Yaml.PathOf("k8s"), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Yaml.PathOf("k8s"), file))
            .Where(file => !file.StartsWith("base" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Each document of each YAML file.</summary>
    public static IEnumerable<(string File, JsonElement Document)> Documents => All
        .Where(file => file.EndsWith(".yaml", StringComparison.Ordinal))
        .SelectMany(file => Yaml.ReadAll(File.ReadAllText(Yaml.PathOf("k8s", file))).Select(document => (file, document)));
}
