using System.Diagnostics;

namespace Kgents.Testing;

/// <summary>How a built service is started: its dll beside ours in the artifacts, on any free port, as in production.</summary>
public static class ServiceStartInfo
{
    public static ProcessStartInfo Create(string project, IReadOnlyDictionary<string, string?> environment)
    {
        // artifacts[/offline]/bin/Kgents.EndToEnd.Tests/debug -> artifacts[/offline]/bin/Kgents.Api/debug
        DirectoryInfo own = new(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var directory = Path.Combine(own.Parent!.Parent!.FullName, project, own.Name);
        var assembly = Path.Combine(directory, $"{project}.dll");
        if (!File.Exists(assembly))
        {
            throw new InvalidOperationException($"'{assembly}' is not there: build {project} in the configuration of the tests.");
        }

        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        ProcessStartInfo start = new(dotnet, [assembly]) { WorkingDirectory = directory };
        start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["ASPNETCORE_HTTP_PORTS"] = null;

        // The line that names the port, whatever the service's own log levels are.
        start.Environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }
}
