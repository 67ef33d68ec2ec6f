using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kgents.Operations;
using Kgents.Testing;
using Kgents.Tests.Hosting;
using Microsoft.Extensions.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>Each file of deploy/k8s for itself, which needs nothing but the files: what it is, what it names, and what a field of that name may be.</summary>
public sealed partial class KubernetesFilesTests
{
    private static readonly string[] Services = ["api", "streaming", "metering"];

    /// <summary>What there is of Kubernetes here, and which fields its <c>spec</c> has: kustomize takes a field that is misspelt, and a cluster may.</summary>
    private static readonly Dictionary<(string ApiVersion, string Kind), string[]> Known = new()
    {
        [("apps/v1", "Deployment")] = ["replicas", "minReadySeconds", "strategy", "template"],
        [("autoscaling/v2", "HorizontalPodAutoscaler")] = ["scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior"],
        [("policy/v1", "PodDisruptionBudget")] = ["maxUnavailable", "selector"],
        [("networking.k8s.io/v1", "NetworkPolicy")] = ["podSelector", "policyTypes", "ingress", "egress"],
        [("batch/v1", "CronJob")] = ["schedule", "timeZone", "concurrencyPolicy", "startingDeadlineSeconds", "jobTemplate"],
        [("batch/v1", "Job")] = ["backoffLimit", "ttlSecondsAfterFinished", "activeDeadlineSeconds", "template"],
        [("v1", "PersistentVolumeClaim")] = ["accessModes", "resources", "storageClassName"],
        [("kustomize.config.k8s.io/v1beta1", "Kustomization")] = [],
        [("kustomize.config.k8s.io/v1alpha1", "Component")] = [],
    };

    private static readonly string[] PodFields =
    [
        "automountServiceAccountToken", "containers", "enableServiceLinks", "restartPolicy", "securityContext", "terminationGracePeriodSeconds", "topologySpreadConstraints", "volumes",
    ];

    private static readonly string[] ContainerFields =
    [
        "args", "env", "envFrom", "image", "lifecycle", "livenessProbe", "name", "readinessProbe", "resources", "securityContext", "startupProbe", "volumeMounts",
    ];

    [Fact]
    public void EveryDocument_IsOfAKnownKind_WithFieldsOfThatKind()
    {
        Assert.True(KubernetesFiles.Documents.Count() > 15);
        Assert.All(KubernetesFiles.Documents, each =>
        {
            Assert.True(Known.TryGetValue((each.Document.Text("apiVersion"), each.Document.Text("kind")), out var fields), each.File);
            if (each.Document.TryGetProperty("spec", out var spec))
            {
                Assert.Empty(spec.Names().Except(fields));
                Assert.True(each.Document.At("metadata").TryGetProperty("name", out _) || each.Document.At("metadata").TryGetProperty("generateName", out _), each.File);
            }
        });
        Assert.All(Pods, pod =>
        {
            Assert.Empty(pod.Names().Except(PodFields));
            Assert.All(pod.TryGetProperty("containers", out var containers) ? containers.EnumerateArray() : [], container => Assert.Empty(container.Names().Except(ContainerFields)));
        });
    }

    /// <summary>A file that nothing names is not applied; a name that no file has stops everything.</summary>
    [Fact]
    public void EveryFile_IsNamedOnce_AndEveryNameIsAFile()
    {
        foreach (var (file, kustomization) in KubernetesFiles.Documents.Where(each => each.Document.Text("kind") is "Kustomization" or "Component"))
        {
            var folder = Path.GetDirectoryName(file)!;
            string[] named =
            [
                .. Strings(kustomization, "resources"),
                .. Elements(kustomization, "patches").Select(patch => patch.Text("path")),
                .. Elements(kustomization, "configMapGenerator").SelectMany(map => Strings(map, "envs")).Distinct(),
            ];

            // `base` is what aspirate makes; `command*.yaml` is no resource, but what a command is made from.
            var there = KubernetesFiles.All.Where(each => Path.GetDirectoryName(each) == folder).Select(each => Path.GetFileName(each)).Except(["kustomization.yaml", "command.yaml", "command-with-backups.yaml"]);
            Assert.Equal(there.Order(StringComparer.Ordinal), named.Except(["base"]).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void EveryPatchAndTarget_IsOfAServiceThatThereIs()
    {
        var patches = KubernetesFiles.Documents.Where(each => each.Document.Text("kind") == "Deployment" && each.File != "hardened.yaml").ToList();

        Assert.Equal(Services.Order(StringComparer.Ordinal), patches.Select(each => each.Document.Text("metadata", "name")).Order(StringComparer.Ordinal));
        Assert.All(patches, each => Assert.Equal(each.Document.Text("metadata", "name"), Assert.Single(each.Document.At("spec", "template", "spec", "containers").EnumerateArray()).Text("name")));
        Assert.All(Of("HorizontalPodAutoscaler"), scaler => Assert.Contains(scaler.Text("spec", "scaleTargetRef", "name"), Services));
        Assert.Equal(Services.Order(StringComparer.Ordinal), Of("PodDisruptionBudget").Select(budget => budget.Text("spec", "selector", "matchLabels", "app")).Order(StringComparer.Ordinal));
        var generated = Elements(Assert.Single(Of("Kustomization")), "configMapGenerator").ToList();
        Assert.Equal([.. Services.Append("operations").Select(service => $"{service}-env").Order(StringComparer.Ordinal)], generated.Select(map => map.Text("name")).Order(StringComparer.Ordinal));
        Assert.All(generated, map => Assert.Equal("streams.env", Assert.Single(Strings(map, "envs"))));
        Assert.All(generated.SelectMany(map => Strings(map, "literals")), literal => Assert.True(KnownSettings.Has(literal.Split('=')[0]), literal));
    }

    /// <summary>The same pod for the backup and for a command, but for what it is told; and for a command that needs no backups, but for their volume.</summary>
    [Fact]
    public void Commands_RunAsTheBackupDoes()
    {
        var backup = Pod(Assert.Single(Of("CronJob")).At("spec", "jobTemplate"));
        var (with, without) = (Pod(Command("command-with-backups.yaml")), Pod(Command("command.yaml")));

        Assert.Equal(backup.At("volumes").ToString(), with.At("volumes").ToString());
        Assert.Equal(backup.At("containers")[0].Text("volumeMounts"), with.At("containers")[0].Text("volumeMounts"));
        Assert.Equal(["tmp", "nats-ca"], without.At("volumes").EnumerateArray().Select(volume => volume.Text("name")));
        Assert.Equal(["tmp", "nats-ca"], without.At("containers")[0].At("volumeMounts").EnumerateArray().Select(mount => mount.Text("name")));
        Assert.All((JsonElement[])[with, without], command =>
        {
            var container = command.At("containers")[0];
            Assert.Equal(backup.At("securityContext").ToString(), command.At("securityContext").ToString());
            Assert.All((string[])["resources", "securityContext"], field => Assert.Equal(backup.At("containers")[0].Text(field), container.Text(field)));
            Assert.Equal(backup.At("containers")[0].Text("envFrom"), container.Text("envFrom").Replace("PROGRAM", "operations", StringComparison.Ordinal));
            Assert.Equal(("IMAGE", "ARGUMENTS"), (container.Text("image"), container.Text("args")));
        });

        // What is in reach of the backups is not in reach of the outside: default-deny and `outside` go by this label.
        Assert.Equal(["backup", "backup", "operations"], Labels.Order(StringComparer.Ordinal));
        Assert.All(Of("Job"), job => Assert.True(job.At("spec", "activeDeadlineSeconds").GetInt32() > 0));
    }

    /// <summary>By the lines of the page that do it, with kubectl's part of it played: what it is given, what the log says, and how the job ended.</summary>
    [Theory(Timeout = Limits.Test)]
    [InlineData("Complete", 0)]
    [InlineData("Failed", 1)]
    public async Task Command_IsWhatThePageMakesOfTheFile_AndEndsAsItDoes(string condition, int status)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no bash.");
        const string Reason = """a & b | c\d "e" 'f' ARGUMENTS PROGRAM""";
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "deployment.md"), TestContext.Current.CancellationToken);

        var (exitCode, made) = await OperateAsync(page, condition, "metering", "ledger", "rebuild", "--reason", Reason);

        var container = Pod(made).At("containers")[0];
        Assert.Equal(status, exitCode);
        Assert.Equal("registry.example/kgents-metering:1.0", container.Text("image"));
        Assert.Equal(["ledger", "rebuild", "--reason", Reason], Strings(container, "args"));
        Assert.Equal(["metering-env", "metering-secrets"], [.. container.Everywhere("configMapRef").Concat(container.Everywhere("secretRef")).Select(each => each.Text("name"))]);
        Assert.Empty(made.Everywhere("persistentVolumeClaim"));
    }

    [Theory(Timeout = Limits.Test)]
    [InlineData("backup", "/backups/before")]
    [InlineData("backups", "/backups")]
    [InlineData("restore", "/backups/before")]
    public async Task CommandOfBackups_HasTheirVolume(string command, string directory)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no bash.");
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "deployment.md"), TestContext.Current.CancellationToken);

        var (_, made) = await OperateAsync(page, "Complete", "operations", command, directory);

        Assert.Equal("backups", Assert.Single(made.Everywhere("persistentVolumeClaim")).Text("claimName"));
        Assert.Equal([command, directory], Strings(Pod(made).At("containers")[0], "args"));
    }

    /// <summary>An option that the program does not know makes it print how it is used, every night.</summary>
    [Fact]
    public async Task Backup_IsACommandOfTheProgram()
    {
        var arguments = Strings(Assert.Single(Of("CronJob")).At("spec", "jobTemplate", "spec", "template", "spec", "containers")[0], "args").ToArray();
        var builder = Host.CreateApplicationBuilder();
        using var host = builder.Build();

        // It gets as far as looking for NATS, which this host has none of.
        await Assert.ThrowsAsync<InvalidOperationException>(() => OperatorCommands.RunAsync(arguments, host, TextWriter.Null, TestContext.Current.CancellationToken));
        Assert.Equal(2, await OperatorCommands.RunAsync([.. arguments, "more"], host, TextWriter.Null, TestContext.Current.CancellationToken));
    }

    private static async Task<(int ExitCode, JsonElement Made)> OperateAsync(string page, string condition, params string[] arguments)
    {
        const string Kubectl = """
            kubectl() {
              case "$*" in
                *" create "*) cat >&2; echo job.batch/command-1 ;;
                *" logs "*) echo said ;;
                *" get job.batch/command-1 "*) echo "$condition" ;;
              esac
            }
            """;
        ProcessStartInfo start = new("bash", ["-c", $"{Kubectl}\n{Assert.Single(Function.Matches(page)).Value.Replace("\n$ ", "\n", StringComparison.Ordinal)}\noperate \"$@\"", "bash", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
            Environment = { ["condition"] = condition },
        };
        using var bash = Process.Start(start)!;
        var made = bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal("said", (await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, Assert.Single(Yaml.ReadAll(await made)));
    }

    /// <summary>With what it is told once: registry and version.</summary>
    [GeneratedRegex(@"(?<=^\$ )registry=.*?^  }$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Function { get; }

    private static JsonElement Command(string file) => Assert.Single(KubernetesFiles.Documents, each => Path.GetFileName(each.File) == file).Document;

    private static JsonElement Pod(JsonElement job) => job.At("spec", "template", "spec");

    private static IEnumerable<string> Labels => Of("Job").Concat(Of("CronJob").Select(each => each.At("spec", "jobTemplate"))).Select(each => each.Text("spec", "template", "metadata", "labels", "app"));

    private static IEnumerable<JsonElement> Pods => Of("Deployment").Concat(Of("Job")).Select(each => each.At("spec", "template", "spec"))
        .Concat(Of("CronJob").Select(each => each.At("spec", "jobTemplate", "spec", "template", "spec")));

    private static IEnumerable<JsonElement> Of(string kind) => KubernetesFiles.Documents.Select(each => each.Document).Where(document => document.Text("kind") == kind);

    private static JsonElement.ArrayEnumerator Elements(JsonElement element, string name) => element.TryGetProperty(name, out var list) ? list.EnumerateArray() : default;

    private static IEnumerable<string> Strings(JsonElement element, string name) => Elements(element, name).Select(each => each.ToString());
}
