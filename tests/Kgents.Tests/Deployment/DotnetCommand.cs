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

    /// <summary>A command of one of the programs: how it ended, and what it wrote.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunProgramAsync(string project, IReadOnlyDictionary<string, string?> environment, params string[] arguments)
    {
        var start = ServiceStartInfo.Create(project, environment);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var program = Process.Start(start)!;
        var errors = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (program.ExitCode, output, await errors);
    }
}
