using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>deploy/k8s over what aspirate makes, rendered by kustomize, against the programs and the AppHost.</summary>
public sealed partial class KubernetesTests : IAsyncLifetime
{
    private static readonly string[] Services = ["api", "streaming", "metering"];

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("kgents-k8s-");
    private IReadOnlyList<JsonElement> rendered = [];

    public async ValueTask InitializeAsync()
    {
        foreach (var file in KubernetesFiles.All)
        {
            var copy = Path.Combine(directory.FullName, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Yaml.PathOf("k8s", file), copy);
        }

        // What a platform team may turn on is looked at as if it had.
        var overlay = Path.Combine(directory.FullName, "kustomization.yaml");
        await File.WriteAllTextAsync(overlay, (await File.ReadAllTextAsync(overlay)).Replace("# components:", "components:", StringComparison.Ordinal));

        AspirateOutput.Write(Path.Combine(directory.FullName, "base"), Services);
        rendered = Yaml.ReadAll(await RenderAsync());
    }

    public ValueTask DisposeAsync()
    {
        directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>aspirate names its Deployments by the AppHost's resources: a patch for another name would be refused, one that is missing would be missed.</summary>
    [Fact]
    public void Overlay_HasWhatTheAppHostHas()
    {
        var resources = Resource.Matches(File.ReadAllText(Path.Combine(Repository.Root, "Kgents.AppHost", "AppHost.cs"))).Select(match => match.Groups[1].Value);

        Assert.Equal(resources.Order(StringComparer.Ordinal), Services.Order(StringComparer.Ordinal));
        Assert.Equal(Services.Order(StringComparer.Ordinal), Of("Deployment").Select(Name).Order(StringComparer.Ordinal));
        Assert.Equal(Services.Order(StringComparer.Ordinal), Of("PodDisruptionBudget").Select(Name).Order(StringComparer.Ordinal));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("api")]
    [InlineData("streaming")]
    [InlineData("metering")]
    public void Deployment_RollsWithoutAGap_AndDrains(string service)
    {
        var spec = Deployment(service).At("spec");
        var pod = spec.At("template", "spec");
        var container = Assert.Single(pod.At("containers").EnumerateArray());

        Assert.Equal(("RollingUpdate", "0"), (spec.Text("strategy", "type"), spec.Text("strategy", "rollingUpdate", "maxUnavailable")));
        Assert.Equal(
            (HealthPath("live"), HealthPath("live"), HealthPath("ready")),
            (container.Text("startupProbe", "httpGet", "path"), container.Text("livenessProbe", "httpGet", "path"), container.Text("readinessProbe", "httpGet", "path")));
        var port = container.At("ports").EnumerateArray().Single(each => each.Text("name") == container.Text("readinessProbe", "httpGet", "port"));
        Assert.Contains($":{port.Text("containerPort")};", Assert.Single(Of("ConfigMap"), map => Name(map) == $"{service}-env").Text("data", "ASPNETCORE_URLS"), StringComparison.Ordinal);
        Assert.True(pod.At("terminationGracePeriodSeconds").GetInt32() > container.At("lifecycle", "preStop", "sleep", "seconds").GetInt32() + GracePeriods.Longest.TotalSeconds);
        Assert.Equal("true", pod.Text("securityContext", "runAsNonRoot").ToLowerInvariant());
        Assert.True(container.At("resources", "limits").TryGetProperty("memory", out _) && !container.At("resources", "limits").TryGetProperty("cpu", out _));
    }

    /// <summary>Either the autoscaler says how many, or the file does, and never both.</summary>
    [Fact]
    public void Replicas_AreSaidOnce_AndMoreThanOne()
    {
        foreach (var service in Services)
        {
            var scaler = Of("HorizontalPodAutoscaler").SingleOrDefault(each => each.Text("spec", "scaleTargetRef", "name") == service);
            var fixedNumber = Deployment(service).At("spec").TryGetProperty("replicas", out var replicas);

            Assert.NotEqual(scaler.ValueKind is JsonValueKind.Object, fixedNumber);
            Assert.True((fixedNumber ? replicas : scaler.At("spec", "minReplicas")).GetInt32() >= 2);
        }
    }

    [Fact]
    public void EveryVariable_IsASettingOfTheServices_AndTheSameForAll()
    {
        var maps = Of("ConfigMap").ToList();

        Assert.Equal([.. Services.Append("operations").Select(service => $"{service}-env").Order(StringComparer.Ordinal)], maps.Select(Name).Order(StringComparer.Ordinal));
        Assert.All(maps.SelectMany(map => map.At("data").Names()), variable => Assert.True(KnownSettings.Has(variable), $"{variable} is not in docs/configuration.md"));
        Assert.Single(maps.Select(map => string.Join('\n', map.At("data").EnumerateObject().Where(each => each.Name.StartsWith("Nats__", StringComparison.Ordinal)))).Distinct());
        Assert.All(maps, map => Assert.Equal("3", map.Text("data", "Nats__Replicas")));

        // Nothing but connection strings is secret, which is all that aspirate makes Secrets of.
        Assert.All(Of("Secret").SelectMany(secret => secret.At("data").Names()), name => Assert.StartsWith("ConnectionStrings__", name, StringComparison.Ordinal));
    }

    [Fact]
    public void Policies_NameThePodsAndPortsThatThereAre()
    {
        // With the commands, which kustomize does not render.
        var labels = Deployments().Select(deployment => deployment.Text("spec", "template", "metadata", "labels", "app"))
            .Append(Backup.At("spec", "jobTemplate", "spec").Text("template", "metadata", "labels", "app")).Append("operations").ToHashSet();

        Assert.Equal(labels, Values(Policy("default-deny").At("podSelector")));
        Assert.Equal(["Ingress", "Egress"], Policy("default-deny").At("policyTypes").EnumerateArray().Select(type => type.GetString()));

        // Whoever is denied everything may ask for names and NATS, and NATS lets in just these, its nodes, and its exporter's reader.
        Assert.Equal(labels, Values(Policy("names-and-nats").At("podSelector")));
        Assert.Equal(labels, Values(Policy("nats").At("ingress")[0].At("from")[0].At("podSelector")));
        Assert.Equal([4222, 6222, 7777], Policy("nats").At("ingress").EnumerateArray().Select(rule => Assert.Single(rule.At("ports").EnumerateArray()).At("port").GetInt32()));
        Assert.Equal([4222], Policy("names-and-nats").At("egress")[1].At("ports").EnumerateArray().Select(port => port.At("port").GetInt32()));
        Assert.Equal(
            Policy("nats").At("podSelector").ToString(), Policy("names-and-nats").At("egress")[1].At("to")[0].At("podSelector").ToString());

        // Who has all of the data at hand has no way out.
        Assert.Equal(["streaming", "metering", "operations"], Values(Policy("outside").At("podSelector")));
        Assert.Equal("api", Policy("gateway-to-api").Text("podSelector", "matchLabels", "app"));
    }

    /// <summary>A name that nobody makes leaves a pod that never starts: it is made here, or the page says how.</summary>
    [Fact]
    public void EverythingThatAPodNeeds_IsThere_OrOnThePage()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "deployment.md"));
        JsonElement[] pods = [.. Deployments().Select(deployment => deployment.At("spec", "template", "spec")), Backup.At("spec", "jobTemplate", "spec", "template", "spec")];
        foreach (var pod in pods)
        {
            Assert.All(pod.Everywhere("configMapRef"), map => Assert.Contains(Of("ConfigMap"), each => Name(each) == map.Text("name")));
            Assert.All(pod.Everywhere("persistentVolumeClaim"), volume => Assert.Contains(Of("PersistentVolumeClaim"), each => Name(each) == volume.Text("claimName")));
            Assert.All(
                pod.Everywhere("secretRef").Concat(pod.Everywhere("secretKeyRef")).Select(secret => secret.Text("name")).Concat(pod.Everywhere("secret").Select(secret => secret.Text("secretName"))),
                name => Assert.True(Of("Secret").Any(each => Name(each) == name) || page.Contains($"create secret generic {name} ", StringComparison.Ordinal), name));
        }

        Assert.Equal(4, pods.Count(pod => pod.Everywhere("secretRef").Any()));
    }

    [Fact]
    public void Backup_IsACommandThatThereIs_IntoItsVolume_AndNeverTwoAtOnce()
    {
        var container = Assert.Single(Backup.At("spec", "jobTemplate", "spec", "template", "spec", "containers").EnumerateArray());

        Assert.Equal(("Forbid", "Etc/UTC"), (Backup.Text("spec", "concurrencyPolicy"), Backup.Text("spec", "timeZone")));
        Assert.Equal("registry.example/kgents-operations:1.0", container.Text("image"));
        Assert.Equal(["backup", "/backups/nightly/$(POD_NAME)", "--keep", "7"], container.At("args").EnumerateArray().Select(argument => argument.GetString()));
        Assert.Equal(["POD_NAME"], container.At("env").EnumerateArray().Select(variable => variable.Text("name")));
        Assert.Contains(container.At("volumeMounts").EnumerateArray(), mount => mount.Text("mountPath") == "/backups");
    }

    private JsonElement Backup => Assert.Single(Of("CronJob"));

    private IEnumerable<JsonElement> Of(string kind) => rendered.Where(each => each.Text("kind") == kind);

    private IEnumerable<JsonElement> Deployments() => Of("Deployment");

    private JsonElement Deployment(string name) => Assert.Single(Deployments(), each => Name(each) == name);

    private JsonElement Policy(string name) => Assert.Single(Of("NetworkPolicy"), each => Name(each) == name).At("spec");

    private static HashSet<string> Values(JsonElement selector) => [.. selector.At("matchExpressions")[0].At("values").EnumerateArray().Select(value => value.GetString()!)];

    private static string Name(JsonElement each) => each.Text("metadata", "name");

    private static string HealthPath(string kind) => Assert.Single(
        HealthEndpoint.Matches(File.ReadAllText(Path.Combine(Repository.Root, "Kgents.ServiceDefaults", "Health", "HealthEndpoints.cs"))).Select(match => match.Groups[1].Value),
        path => path.EndsWith(kind, StringComparison.Ordinal));

    private async Task<string> RenderAsync()
    {
        try
        {
            using var kubectl = Process.Start(new ProcessStartInfo("kubectl", ["kustomize", directory.FullName]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = kubectl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var errors = kubectl.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await kubectl.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(kubectl.ExitCode == 0, await errors);
            return await output;
        }
        catch (Win32Exception)
        {
            Assert.Skip("There is no kubectl here, which renders the overlay; KubernetesFilesTests have looked at each file of it.");
            throw;
        }
    }

    [GeneratedRegex("""AddProject<Projects\.\w+>\("(\w+)"\)""")]
    private static partial Regex Resource { get; }

    [GeneratedRegex("""MapHealthChecks\("([^"]+)""")]
    private static partial Regex HealthEndpoint { get; }
}
