namespace Kgents.Testing;

/// <summary>Finds nats-server: <c>KGENTS_NATS_SERVER</c>, else PATH.</summary>
internal static class NatsServerExecutable
{
    private const string Variable = "KGENTS_NATS_SERVER";

    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } configured)
        {
            return File.Exists(configured)
                ? configured
                : throw new InvalidOperationException(
                    $"{Variable} is '{configured}', which is not there. Run `./dev test`, which fetches nats-server.");
        }

        var name = OperatingSystem.IsWindows() ? "nats-server.exe" : "nats-server";
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                $"nats-server is neither on PATH nor named by {Variable}. Run `./dev test`, which fetches it.");
    }
}
