using Kgents.EndToEnd.Tests.Systems;
using Kgents.Testing;

namespace Kgents.EndToEnd.Tests.Build;

public sealed class NaiveTimeTests
{
    private const string Project = """<Project Sdk="Microsoft.NET.Sdk" />""";

    private const string Program = """
        namespace NaiveTime;

        internal static class Clock
        {
            public static bool IsLate(TimeProvider time) => time.GetUtcNow() > DateTime.UtcNow;
        }

        """;

    [Fact(Timeout = Limits.Milliseconds)]
    public async Task Build_Fails_WhenSourceUsesDateTime()
    {
        using var directory = TemporaryDirectory.CreateIn(Path.Combine(Repository.Root, "artifacts", "naive-time"));
        var project = Path.Combine(directory.Path, "NaiveTime.csproj");
        await File.WriteAllTextAsync(project, Project, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "Clock.cs"), Program, TestContext.Current.CancellationToken);

        // No node or compiler is left behind: it would hold the pipes that are read here to their end. What is built stays in the directory.
        var build = await Command.RunAsync(
            "dotnet", ["build", project, "-nodeReuse:false", "-p:UseSharedCompilation=false", "-p:NuGetAudit=false", $"-p:ArtifactsPath={directory.Path}/artifacts"]);

        Assert.NotEqual(0, build.ExitCode);
        var errors = build.Output.Split('\n').Where(line => line.Contains(": error ", StringComparison.Ordinal)).Select(line => line.Trim()).Distinct().ToList();
        Assert.NotEmpty(errors);
        Assert.All(errors, error => Assert.Contains("Clock.cs(5,", error, StringComparison.Ordinal));
        Assert.All(errors, error => Assert.Contains("error RS0030: The symbol 'DateTime", error, StringComparison.Ordinal));
        Assert.Contains(errors, error => error.Contains("Use TimeProvider and DateTimeOffset in UTC", StringComparison.Ordinal));
    }
}
