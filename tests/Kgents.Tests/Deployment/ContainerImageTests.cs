using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>What <c>dotnet publish -t:PublishContainer</c> makes of each program: the work of a compiler, which a busy machine gives little of.</summary>
[TakesSeconds(120)]
public sealed class ContainerImageTests
{
    public static TheoryData<string, string> Projects => new()
    {
        { "Kgents.Api", "kgents-api" },
        { "Kgents.Streaming", "kgents-streaming" },
        { "Kgents.Metering", "kgents-metering" },
        { "Kgents.Operations", "kgents-operations" },
    };

    [Theory(Timeout = 5 * Limits.Test)]
    [MemberData(nameof(Projects))]
    public async Task Image_IsOfAPinnedBase_WithoutAShell(string project, string repository)
    {
        var output = await DotnetCommand.RunAsync("msbuild", FileOf(project), "-getProperty:ContainerRepository,ContainerBaseImage,BundledNETCoreAppPackageVersion");
        var properties = JsonElement.Parse(output).GetProperty("Properties");

        Assert.Equal(repository, properties.Text("ContainerRepository"));
        Assert.Matches(@"^mcr\.microsoft\.com/dotnet/aspnet:\d+\.\d+\.\d+-noble-chiseled$", properties.Text("ContainerBaseImage"));
        Assert.Equal(properties.Text("BundledNETCoreAppPackageVersion").Split('.')[0], properties.Text("ContainerBaseImage").Split(':')[1].Split('.')[0]);
    }

    /// <summary>Published for real, on a base of the test's own: the registry of the true one need not be reachable.</summary>
    [Theory(Timeout = 5 * Limits.Test)]
    [MemberData(nameof(Projects))]
    public async Task Image_RunsTheProgramCompiledAhead_AndNotAsRoot(string project, string repository)
    {
        using var directory = await PublishAsync(project);

        var image = Assert.Single(directory.ReadImages());
        Assert.Equal("1654", image.Config.Text("config", "User"));
        Assert.Equal(["dotnet", $"/app/{project}.dll"], image.Config.At("config", "Entrypoint").EnumerateArray().Select(part => part.GetString()));
        Assert.Contains("ASPNETCORE_HTTP_PORTS=8080", image.Config.At("config", "Env").EnumerateArray().Select(variable => variable.GetString()));
        Assert.EndsWith(repository[7..], project, StringComparison.OrdinalIgnoreCase);
        foreach (var assembly in new[] { $"{project}.dll", "Kgents.ServiceDefaults.dll", "NATS.Client.Core.dll" })
        {
            Assert.True(image.IsCompiled(assembly, out var machine) && machine == OwnMachine, $"{assembly}: {machine}");
        }
    }

    [Fact(Timeout = 5 * Limits.Test)]
    public async Task Image_IsForBothKindsOfProcessor_WhenBothAreNamed()
    {
        using var directory = await PublishAsync("Kgents.Metering", "-p:ContainerRuntimeIdentifiers=\"linux-x64;linux-arm64\"");

        var machines = directory.ReadImages().ToDictionary(
            image => image.Config.Text("architecture"), image => image.IsCompiled("Kgents.Metering.dll", out var machine) ? machine : Machine.Unknown);
        Assert.Equal((Machine.Amd64, Machine.Arm64, 2), (machines["amd64"] ^ LinuxMark, machines["arm64"] ^ LinuxMark, machines.Count));
    }

    private static async Task<TemporaryImage> PublishAsync(string project, params string[] own)
    {
        await using var registry = await BaseImageRegistry.StartAsync(TestContext.Current.CancellationToken);
        var directory = new TemporaryImage();
        try
        {
            // What it refers to was built with the tests, which run with it.
            await DotnetCommand.RunAsync(
                ["publish", FileOf(project), "--configuration", Configuration, "-t:PublishContainer", "-p:BuildProjectReferences=false", $"-p:ContainerBaseImage={registry.Image}", $"-p:ContainerArchiveOutputPath={directory.Archive}", "--verbosity", "quiet", .. own]);
            return directory;
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    /// <summary>Compiled ahead for Linux an assembly has its machine with this mark.</summary>
    private const Machine LinuxMark = (Machine)0x7B79;

    private static Machine OwnMachine => LinuxMark ^ (RuntimeInformation.OSArchitecture == Architecture.Arm64 ? Machine.Arm64 : Machine.Amd64);

    private static string FileOf(string project) => Path.Combine(Repository.Root, project, $"{project}.csproj");

    /// <summary>The one that the tests were built with, whose output is there.</summary>
    private static string Configuration => new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)).Name;
}
