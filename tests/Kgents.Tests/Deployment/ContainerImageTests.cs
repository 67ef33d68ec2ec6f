using System.Formats.Tar;
using System.Text.Json;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>What <c>dotnet publish -t:PublishContainer</c> makes of each program.</summary>
public sealed class ContainerImageTests
{
    public static TheoryData<string, string> Projects => new()
    {
        { "Kgents.Api", "kgents-api" },
        { "Kgents.Streaming", "kgents-streaming" },
        { "Kgents.Metering", "kgents-metering" },
        { "Kgents.Operations", "kgents-operations" },
    };

    [Theory(Timeout = Limits.Test)]
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
    [Theory(Timeout = Limits.Test)]
    [MemberData(nameof(Projects))]
    public async Task Image_RunsTheProgram_AndNotAsRoot(string project, string repository)
    {
        await using var registry = await BaseImageRegistry.StartAsync(TestContext.Current.CancellationToken);
        using var directory = new TemporaryImage();
        await DotnetCommand.RunAsync(
            "publish", FileOf(project), "--no-build", "--configuration", Configuration, "-t:PublishContainer", $"-p:ContainerBaseImage={registry.Image}", $"-p:ContainerArchiveOutputPath={directory.Archive}", "--verbosity", "quiet");

        var image = await directory.ReadConfigAsync();
        Assert.Equal("1654", image.Text("config", "User"));
        Assert.Equal(["dotnet", $"/app/{project}.dll"], image.At("config", "Entrypoint").EnumerateArray().Select(part => part.GetString()));
        Assert.Contains("ASPNETCORE_HTTP_PORTS=8080", image.At("config", "Env").EnumerateArray().Select(variable => variable.GetString()));
        Assert.EndsWith(repository[7..], project, StringComparison.OrdinalIgnoreCase);
    }

    private static string FileOf(string project) => Path.Combine(Repository.Root, project, $"{project}.csproj");

    /// <summary>The one that the tests were built with, whose output is there.</summary>
    private static string Configuration => new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory)).Name;

    /// <summary>An image as an archive in the OCI layout.</summary>
    private sealed class TemporaryImage : IDisposable
    {
        private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("kgents-image-");

        public string Archive => Path.Combine(directory.FullName, "image.tar");

        public async Task<JsonElement> ReadConfigAsync()
        {
            await TarFile.ExtractToDirectoryAsync(Archive, directory.FullName, overwriteFiles: false, TestContext.Current.CancellationToken);
            var manifest = Read(JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(directory.FullName, "index.json"), TestContext.Current.CancellationToken)).At("manifests")[0]);
            return Read(manifest.At("config"));
        }

        public void Dispose() => directory.Delete(recursive: true);

        private JsonElement Read(JsonElement descriptor) => JsonElement.Parse(File.ReadAllText(Path.Combine(directory.FullName, "blobs", "sha256", descriptor.Text("digest").Split(':')[1])));
    }
}
