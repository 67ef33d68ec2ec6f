using System.Text.Json;
using System.Diagnostics;
using Kgents.Testing;
using Kgents.Tests.Hosting;

namespace Kgents.Tests.Deployment;

/// <summary>What `dotnet publish -t:PublishContainer` would make an image of.</summary>
public sealed class ContainerImageTests
{
    [Theory(Timeout = Limits.Test)]
    [InlineData("Kgents.Api", "kgents-api")]
    [InlineData("Kgents.Streaming", "kgents-streaming")]
    [InlineData("Kgents.Metering", "kgents-metering")]
    [InlineData("Kgents.Operations", "kgents-operations")]
    public async Task Image_IsNamed_OfAPinnedBase_AndNotRoots(string project, string repository)
    {
        var properties = await PropertiesAsync(project, "ContainerRepository", "ContainerBaseImage", "ContainerUser", "EnableSdkContainerSupport", "BundledNETCoreAppPackageVersion");

        Assert.Equal((repository, "true"), (properties["ContainerRepository"], properties["EnableSdkContainerSupport"]));

        // One patch of the runtime and no floating tag, without a shell; a number, so that Kubernetes can see that it is not root.
        Assert.Matches(@"^mcr\.microsoft\.com/dotnet/aspnet:\d+\.\d+\.\d+-noble-chiseled$", properties["ContainerBaseImage"]);
        Assert.True(int.Parse(properties["ContainerUser"]) > 0);
        Assert.Equal(Version.Parse(properties["BundledNETCoreAppPackageVersion"].Split('-')[0]).Major, Version.Parse(properties["ContainerBaseImage"].Split(':', '-')[1]).Major);
    }

    private static async Task<Dictionary<string, string>> PropertiesAsync(string project, params string[] names)
    {
        using var msbuild = Process.Start(new ProcessStartInfo("dotnet", ["msbuild", Path.Combine(Repository.Root, project, $"{project}.csproj"), $"-getProperty:{string.Join(',', names)}"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Repository.Root,
        })!;
        var output = await msbuild.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await msbuild.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(msbuild.ExitCode == 0, output);
        return JsonElement.Parse(output).GetProperty("Properties").EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetString()!);
    }
}
