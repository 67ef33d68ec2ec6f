using System.Diagnostics;
using Kgents.Testing;

namespace Kgents.Tests.Deployment;

/// <summary>A command of the SDK, in the repository.</summary>
internal static class DotnetCommand
{
    /// <summary>What it wrote.</summary>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        using var dotnet = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, WorkingDirectory = Repository.Root })!;
        var output = await dotnet.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await dotnet.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(dotnet.ExitCode == 0, output);
        return output;
    }
}
